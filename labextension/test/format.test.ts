import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  accessText,
  baseName,
  countdown,
  duration,
  errorText,
  moment,
  psqlLine,
  sessionTitle,
  share,
  webAddress
} from '../src/format';
import type { ISession } from '../src/wire';

test('moments come as ISO text, as seconds, or not at all', () => {
  assert.equal(moment('1970-01-01T00:00:02+00:00'), 2000);
  assert.equal(moment(2.5), 2500);
  assert.equal(moment('2.5'), 2500);
  assert.ok(Number.isNaN(moment(null)));
  assert.ok(Number.isNaN(moment('soon')));
});

test('a countdown never goes below zero and rounds up to the second', () => {
  assert.equal(countdown(899_001), '15:00');
  assert.equal(countdown(3_729_000), '1:02:09');
  assert.equal(countdown(-5), '0:00');
});

test('the share of time that is left stays between 0 and 1', () => {
  assert.equal(share(0, 100, 25), 0.75);
  assert.equal(share(0, 100, 500), 0);
  assert.equal(share(0, 100, -500), 1);
  assert.equal(share(100, 100, 100), 0);
});

test('durations read at every size', () => {
  assert.deepEqual([0.4, 7, 312.4, 1250, 42_000, 125_000].map(duration), [
    '0.4 ms',
    '7 ms',
    '312 ms',
    '1.25 s',
    '42.0 s',
    '2:05 min'
  ]);
});

test('only http and https addresses are ever opened', () => {
  assert.equal(
    webAddress('http://127.0.0.1:8600/approvals/1'),
    'http://127.0.0.1:8600/approvals/1'
  );
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/approvals/1', '', null, undefined]) {
    assert.equal(webAddress(bad), null, String(bad));
  }
});

test('the psql line carries no password and survives a shell', () => {
  const connect = { host: '127.0.0.1', port: 6432, dbname: 'shop', user: 'ana', sslmode: 'verify-full', ca_file: '/a b/ca.crt' };
  assert.equal(
    psqlLine(connect),
    `psql "host=127.0.0.1 port=6432 dbname=shop user=ana sslmode=verify-full sslrootcert='/a b/ca.crt'"`
  );
  assert.equal(
    psqlLine({ host: 'h', port: 1, dbname: '$(id)`"', user: "o'x", ca_file: null }),
    `psql "host=h port=1 dbname='\\$(id)\\\`\\"' user='o\\\\'x'"`
  );
});

test('words for accesses, sessions, errors', () => {
  assert.equal(accessText({ verb: 'write', resource: 'public.orders', columns: ['b', 'a'] }), 'write public.orders (a, b)');
  assert.equal(accessText({ verb: 'write', resource: 'public.orders', columns: null }), 'write public.orders');
  assert.equal(baseName('a/b c.ipynb'), 'b c.ipynb');
  const session = { id: '0123456789', client: 'psql', notebook: null } as unknown as ISession;
  assert.equal(sessionTitle(session), 'psql');
  assert.equal(sessionTitle({ ...session, notebook: 'x/y.ipynb' }), 'y.ipynb');
  assert.equal(sessionTitle({ ...session, client: '' }), '01234567');
  assert.equal(errorText({ code: '42501', message: 'no' }), '42501: no');
  assert.equal(errorText('no'), 'no');
  assert.equal(errorText(null), '');
});
