/**
 * What travels between the notebook server's `/jupyter-govern/` and the panel, as types.
 *
 * Shapes only. Nothing in here (or anywhere in this extension) can carry a decision on an approval: people decide on
 * the gateway's own page, because scripts in a notebook's output can do whatever this page can do.
 */

/** Moments come as ISO 8601 text or as seconds since 1970. */
export type Moment = string | number;

export interface IStatus {
  gateway: { url: string; reachable: boolean; error: string };
  login: { subject: string; groups: string[]; expires_at: Moment } | null;
  login_pending: {
    user_code: string;
    verification_uri_complete: string;
  } | null;
  login_error?: string;
}

/** Where a notebook says a statement came from. Reported by the kernel, never proof: the UI labels it so. */
export interface ICell {
  notebook: string;
  cell_id?: string;
  execution_count?: number;
  source_sha256?: string;
  kernel_id?: string;
}

export interface IAccess {
  verb: string;
  resource: string;
  columns?: string[] | null;
}

export interface IActor {
  subject: string;
  groups: string[];
}

export interface IApproval {
  number: number;
  state: string;
  actor: IActor;
  target: string;
  statement: string;
  parameters?: (string | null)[];
  rule: string;
  because: string;
  approvers?: string;
  kinds?: string[];
  accesses?: IAccess[];
  cell?: ICell | null;
  created_at: Moment;
  expires_at: Moment;
  url: string;
  may_decide?: boolean;
  decided_by?: string | null;
  reason?: string | null;
}

export interface IMask {
  column: string;
  format: string;
  rule: string;
  because: string;
  keep?: number;
}

export interface IConnect {
  host: string;
  port: number;
  dbname: string;
  user: string;
  sslmode?: string;
  ca_file?: string | null;
}

export interface ITarget {
  name: string;
  kind: string;
  reachable: boolean;
  verbs: string[];
  why?: string;
  masks: IMask[];
  rules?: { name: string; because: string; effect: string }[];
  connect?: IConnect | null;
}

export interface ISession {
  id: string;
  actor: string;
  target: string;
  protocol: string;
  client?: string;
  opened_at: Moment;
  closed_at?: Moment | null;
  operations: number;
  notebook?: string | null;
}

export interface IOperation {
  id: string;
  statement: string;
  kinds?: string[];
  decision?: {
    effect: string;
    rules?: ({ name: string; because: string } | string)[];
    reason?: string;
  } | null;
  cell?: ICell | null;
  started_at: Moment;
  ms?: number | null;
  tag?: string | null;
  rows?: number | null;
  bytes?: number | null;
  error?: unknown;
  approval?: { number?: number; state?: string; by?: string; reason?: string } | null;
  columns?: { name: string }[];
  sample?: unknown[][];
  truncated?: boolean;
}

export interface ISessionDetail {
  session: ISession;
  operations: IOperation[];
}

export interface IVerdict {
  ok: boolean;
  entries: number;
  problem?: string;
}

/** A Jupyter event of ours: identifiers only, because everybody on the notebook server sees it. */
export interface IGovernEvent {
  kind: 'approval' | 'session' | 'login';
  state: string;
  number?: number;
  id?: string;
}

export const EVENT_SCHEMA = 'https://schema.jupyter-govern.dev/govern/v1';
