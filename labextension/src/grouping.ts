/**
 * A session's statements by the cell they came from, as the person ran them. Pure.
 */
import type { ICell, IOperation } from './wire';

/** Statements of one run of one cell, or a stretch of statements that named no cell. */
export interface ICellRun {
  readonly key: string;
  readonly cell: ICell | null;
  readonly operations: IOperation[];
}

/** One run of one cell is one group; the latest comes first, the statements in it in their own order. */
export function byCell(operations: readonly IOperation[]): ICellRun[] {
  const runs: ICellRun[] = [];
  for (const operation of operations) {
    const cell = operation.cell ?? null;
    const name = cell
      ? JSON.stringify([cell.notebook, cell.cell_id, cell.execution_count])
      : '';
    const last = runs[runs.length - 1];
    if (last !== undefined && last.key.endsWith(` ${name}`)) {
      last.operations.push(operation);
    } else {
      runs.push({ key: `${operation.id} ${name}`, cell, operations: [operation] });
    }
  }
  return runs.reverse();
}

/** What became of a statement, in one word. */
export type Outcome =
  | 'allowed'
  | 'approved'
  | 'waiting'
  | 'blocked'
  | 'declined'
  | 'failed';

/** What became of it: a refusal before an error, an error before how it was allowed. */
export function outcome(operation: IOperation): Outcome {
  const effect = operation.decision?.effect ?? 'allow';
  if (effect === 'block') {
    return 'blocked';
  }
  if (effect === 'approve') {
    return approvalOutcome(operation);
  }
  return operation.error ? 'failed' : 'allowed';
}

function approvalOutcome(operation: IOperation): Outcome {
  const approval = operation.approval;
  const state =
    approval !== null && typeof approval === 'object'
      ? String((approval as { state?: unknown }).state ?? '')
      : '';
  if (['denied', 'declined', 'expired', 'withdrawn'].includes(state)) {
    return 'declined';
  }
  if (operation.error) {
    return state === 'approved' ? 'failed' : 'declined';
  }
  const ran = operation.tag !== null && operation.tag !== undefined;
  return state === 'approved' || (state === '' && ran) ? 'approved' : 'waiting';
}
