/**
 * A session's statements by the cell they came from, as the person ran them. Pure.
 */
import type { ICell, IMask, IOperation } from './wire';

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
  const state = operation.approval?.state ?? '';
  if (['denied', 'expired', 'withdrawn'].includes(state)) {
    return 'declined';
  }
  if (operation.error) {
    return state === 'approved' ? 'failed' : 'declined';
  }
  return state === 'approved' ? 'approved' : 'waiting';
}

/** Masks by the rule that asks for them, as [rule, because, masks], in the order in which they came. */
export function byRule(masks: readonly IMask[]): [string, string, IMask[]][] {
  const rules = new Map<string, [string, string, IMask[]]>();
  for (const mask of masks) {
    const found = rules.get(mask.rule);
    if (found) {
      found[2].push(mask);
    } else {
      rules.set(mask.rule, [mask.rule, mask.because, [mask]]);
    }
  }
  return [...rules.values()];
}
