import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byCell, byRule, outcome } from '../src/grouping';
import type { ICell, IOperation } from '../src/wire';

const operation = (id: string, cell: ICell | null, more: Partial<IOperation> = {}): IOperation => ({
  id,
  statement: `select '${id}'`,
  started_at: 0,
  cell,
  ...more
});
const cell = (id: string, count: number): ICell => ({ notebook: 'a.ipynb', cell_id: id, execution_count: count });

test('statements of one run of one cell stay together, the latest run first', () => {
  const runs = byCell([
    operation('1', cell('x', 1)),
    operation('2', cell('x', 1)),
    operation('3', cell('y', 2)),
    operation('4', cell('x', 3)),
    operation('5', null),
    operation('6', null)
  ]);
  assert.deepEqual(
    runs.map(run => [run.cell?.cell_id ?? '', run.operations.map(one => one.id).join('')]),
    [
      ['', '56'],
      ['x', '4'],
      ['y', '3'],
      ['x', '12']
    ]
  );
  assert.equal(new Set(runs.map(run => run.key)).size, runs.length);
});

test('cells whose names only look alike are not put together', () => {
  const runs = byCell([operation('1', cell('x 1', 1)), operation('2', cell('1', 1)), operation('3', null)]);
  assert.equal(runs.length, 3);
});

test('what became of a statement, in one word', () => {
  const decided = (effect: string, more: Partial<IOperation> = {}): string =>
    outcome(operation('1', null, { decision: { effect }, ...more }));
  assert.equal(decided('allow'), 'allowed');
  assert.equal(decided('allow', { error: { code: '42P01' } }), 'failed');
  assert.equal(decided('block', { error: { code: '42501' } }), 'blocked');
  assert.equal(decided('approve'), 'waiting');
  assert.equal(decided('approve', { approval: { state: 'expired' }, error: 'expired' }), 'declined');
  assert.equal(decided('approve', { approval: { state: 'approved' } }), 'approved');
  assert.equal(decided('approve', { approval: { state: 'approved' }, error: 'x' }), 'failed');
  assert.equal(decided('approve', { approval: { state: 'denied' } }), 'declined');
  assert.equal(decided('approve', { approval: { state: 'pending' } }), 'waiting');
  assert.equal(outcome(operation('1', null)), 'allowed');
});

test('masks are put together by their rule', () => {
  const mask = (column: string, rule: string): { column: string; format: string; rule: string; because: string } => ({
    column,
    format: 'null',
    rule,
    because: `since ${rule}`
  });
  assert.deepEqual(
    byRule([mask('a', 'x'), mask('b', 'y'), mask('c', 'x')]).map(([rule, because, masks]) => [rule, because, masks.map(one => one.column).join('')]),
    [
      ['x', 'since x', 'ac'],
      ['y', 'since y', 'b']
    ]
  );
  assert.deepEqual(byRule([]), []);
});
