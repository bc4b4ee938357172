/**
 * What a notebook's cells did, over all its sessions, and the rows as they were delivered. Pure.
 */
import { moment } from './format';
import { byCell, type ICellRun } from './grouping';
import type { IOperation, ISession, ISessionDetail } from './wire';

export const TIMELINE_SESSIONS = 5;
export const MAX_SHOWN_ROWS = 20;
const MAX_SHOWN_TEXT = 200;

/**
 * The sessions to read for a notebook's timeline, the newest first. Only the person's own: to look at somebody else's is
 * on record, and is not done by the way.
 */
export function timelineSessions(
  sessions: readonly ISession[],
  notebook: string,
  subject: string | null
): ISession[] {
  return sessions
    .filter(one => one.notebook === notebook && one.actor === subject)
    .slice(0, TIMELINE_SESSIONS);
}

/** Runs of the notebook's cells over all sessions, the latest first; statements of other notebooks in them are left out. */
export function timeline(
  details: readonly ISessionDetail[],
  notebook: string
): ICellRun[] {
  const operations = details
    .flatMap(detail => detail.operations)
    .filter(one => one.cell?.notebook === notebook);
  operations.sort((a, b) => moment(a.started_at) - moment(b.started_at));
  return byCell(operations);
}

/** A result as it was delivered. */
export interface IDelivered {
  readonly columns: string[];
  readonly rows: (string | null)[][];
  readonly more: boolean;
}

/** The recorded sample of a result, or null where there is none. */
export function delivered(operation: IOperation): IDelivered | null {
  const columns = (operation.columns ?? []).map(column => String(column.name));
  const sample = operation.sample ?? [];
  const rows = sample
    .filter(row => Array.isArray(row) && row.length === columns.length)
    .map(row => row.map(valueText));
  if (columns.length === 0 || rows.length === 0) {
    return null;
  }
  const more =
    rows.length > MAX_SHOWN_ROWS ||
    operation.truncated === true ||
    (operation.rows ?? 0) > rows.length;
  return { columns, rows: rows.slice(0, MAX_SHOWN_ROWS), more };
}

function valueText(value: unknown): string | null {
  if (value === null || value === undefined) {
    return null;
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN_TEXT ? `${text.slice(0, MAX_SHOWN_TEXT)}…` : text;
}
