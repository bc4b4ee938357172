import assert from 'node:assert/strict';
import { test } from 'node:test';

import { delivered, MAX_SHOWN_ROWS, timeline, timelineSessions, TIMELINE_SESSIONS } from '../src/timeline';
import type { IOperation, ISession, ISessionDetail } from '../src/wire';

const operation = (id: string, at: string, notebook: string | null, more: Partial<IOperation> = {}): IOperation => ({
  id,
  statement: 'select 1',
  started_at: at,
  cell: notebook === null ? null : { notebook, cell_id: `cell-${id}`, execution_count: 1 },
  ...more
});
const session = (id: string, notebook: string, actor = 'ana'): ISession => ({
  id,
  actor,
  target: 'shop',
  protocol: 'postgresql',
  opened_at: '2026-11-24T08:00:00Z',
  operations: 1,
  notebook
});

test('a timeline joins sessions in time, the latest first, and leaves other notebooks out', () => {
  const details: ISessionDetail[] = [
    { session: session('s2', 'q.ipynb'), operations: [operation('c', '2026-11-24T09:00:00Z', 'q.ipynb'), operation('x', '2026-11-24T09:01:00Z', 'other.ipynb')] },
    { session: session('s1', 'q.ipynb'), operations: [operation('a', '2026-11-24T08:00:00Z', 'q.ipynb'), operation('d', '2026-11-24T10:00:00Z', 'q.ipynb'), operation('n', '2026-11-24T08:30:00Z', null)] }
  ];
  assert.deepEqual(timeline(details, 'q.ipynb').map(run => run.operations[0].id), ['d', 'c', 'a']);
  assert.deepEqual(timeline([], 'q.ipynb'), []);
});

test('only sessions of the person and of this notebook are read, and few of them', () => {
  const many = Array.from({ length: 9 }, (_, at) => session(`s${at}`, 'q.ipynb'));
  assert.equal(timelineSessions(many, 'q.ipynb', 'ana').length, TIMELINE_SESSIONS);
  assert.deepEqual(timelineSessions([session('a', 'q.ipynb', 'ben'), session('b', 'p.ipynb')], 'q.ipynb', 'ana'), []);
});

test('a result is shown as it was delivered, with NULLs, and says when there was more', () => {
  const shown = delivered(
    operation('a', '', null, { columns: [{ name: 'id' }, { name: 'email' }], sample: [['1', '***'], ['2', null]], rows: 2 })
  );
  assert.deepEqual(shown, { columns: ['id', 'email'], rows: [['1', '***'], ['2', null]], more: false });
  const rows = Array.from({ length: MAX_SHOWN_ROWS + 1 }, () => ['1']);
  assert.equal(delivered(operation('b', '', null, { columns: [{ name: 'id' }], sample: rows }))?.more, true);
  assert.equal(delivered(operation('b', '', null, { columns: [{ name: 'id' }], sample: [['1']], rows: 9 }))?.more, true);
  assert.equal(delivered(operation('c', '', null)), null);
  assert.equal(delivered(operation('d', '', null, { columns: [{ name: 'id' }], sample: [['1', '2']] })), null);
  assert.equal(delivered(operation('e', '', null, { columns: [{ name: 'j' }], sample: [[{ b64: 'AA==' }]] }))?.rows[0][0], '{"b64":"AA=="}');
});
