/** What this extension must never learn: to decide an approval. Its source is read for what could. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asProblem, GovernProblem, readProblem } from '../src/problem';
import { GovernServer } from '../src/server';

const SRC = join(__dirname, '..', '..', '..', 'src');

function sources(): [string, string][] {
  return readdirSync(SRC, { recursive: true })
    .map(String)
    .filter(name => /\.tsx?$/.test(name))
    .map(name => [name, readFileSync(join(SRC, name), 'utf8')]);
}

test('the only requests that are not GET start and end this server’s own login', () => {
  const posts = sources().flatMap(([name, text]) =>
    [...text.matchAll(/_ask\(\s*([^,)]+),\s*'(\w+)'/g)].map(found => `${name} ${found[2]} ${found[1]}`)
  );
  assert.deepEqual(posts.sort(), ["server.ts POST 'login'", "server.ts POST 'logout'"]);
  const senders = sources().filter(([, text]) => /makeRequest|fetch\(|XMLHttpRequest|sendBeacon/.test(text));
  assert.deepEqual(senders.map(([name]) => name), ['server.ts']);
  assert.ok(!Object.getOwnPropertyNames(GovernServer.prototype).some(name => /decide|approve|deny/i.test(name)));
});

test('no command approves', () => {
  const [[, text]] = sources().filter(([name]) => name === 'tokens.ts');
  const ids = [...text.matchAll(/'(jupyter-govern:[\w-]+)'/g)].map(found => found[1]);
  assert.ok(ids.includes('jupyter-govern:open-panel'));
  assert.ok(!ids.some(id => /approv|decid|deny|grant/.test(id)), ids.join());
  for (const [name, source] of sources()) {
    for (const found of source.matchAll(/addCommand\(\s*([^,]+),/g)) {
      assert.match(found[1], /^CommandIDs\.(openPanel|refresh|logIn|logOut|showCell)$/, name);
    }
  }
});

test('pages are opened without a way back, in one place', () => {
  const openers = sources().filter(([, text]) => text.includes('window.open('));
  assert.deepEqual(openers.map(([name]) => name), ['index.ts']);
  assert.match(openers[0][1], /window\.open\(url, '_blank', 'noopener,noreferrer'\)/);
});

test('markup is made by React only', () => {
  for (const [name, text] of sources()) {
    assert.doesNotMatch(text, /innerHTML|dangerouslySetInnerHTML|insertAdjacentHTML|document\.write/, name);
  }
});

test('styles use JupyterLab’s colours only', () => {
  const css = readFileSync(join(SRC, '..', 'style', 'base.css'), 'utf8');
  assert.doesNotMatch(css, /#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|:\s*(white|black)\b/i);
  for (const found of css.matchAll(/^([.@:][^{},]*)[,{]/gm)) {
    assert.match(found[1], /^(\.jp-govern-|@keyframes jp-govern-|@media )/, found[1]);
  }
});

test('errors are read from any answer', () => {
  const said = readProblem(409, '{"error":{"code":"login-required","message":"log in","hint":"now"}}');
  assert.deepEqual([said.status, said.code, said.message, said.hint], [409, 'login-required', 'log in', 'now']);
  for (const body of ['<html>', '', 'null', '{"error":null}', '{"error":{"message":5}}', '[]']) {
    assert.equal(readProblem(502, body).message, 'the notebook server answered 502', body);
  }
  assert.equal(asProblem(new TypeError('Failed to fetch')).message, 'Failed to fetch');
  assert.equal(asProblem(said), said);
  assert.ok(said instanceof GovernProblem);
});
