/**
 * How values read to people: times, durations, counts, addresses, the psql line. Pure; words come in already translated.
 */
import type { IAccess, IConnect, IOperation, ISession, Moment } from './wire';

/** Milliseconds since 1970; NaN for what is no moment. */
export function moment(value: Moment | null | undefined): number {
  if (typeof value === 'number') {
    return value * 1000;
  }
  if (!value) {
    return NaN;
  }
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
}

/** `14:05` or `1:02:09`; never below zero. */
export function countdown(ms: number): string {
  const all = Math.max(0, Math.ceil(ms / 1000));
  const pad = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** How much of its time is left, 0 to 1. */
export function share(from: number, to: number, now: number): number {
  return to > from ? Math.min(1, Math.max(0, (to - now) / (to - from))) : 0;
}

/** `3 ms`, `1.25 s`, `2:05 min`. */
export function duration(ms: number): string {
  if (ms < 1000) {
    return ms < 10 && ms % 1 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
  }
  return ms < 60_000
    ? `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
    : `${countdown(ms)} min`;
}

/** Time of day, with the date where it is not today's. */
export function clockTime(at: number, now: number): string {
  if (Number.isNaN(at)) {
    return '';
  }
  const then = new Date(at);
  const time = then.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit'
  });
  return then.toDateString() === new Date(now).toDateString()
    ? time
    : `${then.toLocaleDateString([], { month: 'short', day: 'numeric' })}, ${time}`;
}

/** The last part of a path: what people call their notebook. */
export function baseName(path: string): string {
  return path.split('/').filter(Boolean).pop() ?? path;
}

/** An address to open in a new tab, or null: what is not plain http(s) is never opened. */
export function webAddress(text: string | null | undefined): string | null {
  try {
    const url = new URL(text ?? '');
    return url.protocol === 'http:' || url.protocol === 'https:'
      ? url.href
      : null;
  } catch {
    return null;
  }
}

/** A value of a libpq connection string. */
function conninfoValue(value: string): string {
  return /^[\w.:/@%+-]+$/.test(value)
    ? value
    : `'${value.replace(/[\\']/g, '\\$&')}'`;
}

/** A word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w.:/@%+=-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** The line that stock psql connects with; it asks for the password, which is a gateway token. */
export function psqlLine(connect: IConnect): string {
  const parts: [string, string | number | null | undefined][] = [
    ['host', connect.host],
    ['port', connect.port],
    ['dbname', connect.dbname],
    ['user', connect.user],
    ['sslmode', connect.sslmode],
    ['sslrootcert', connect.ca_file]
  ];
  const info = parts
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${conninfoValue(String(value))}`)
    .join(' ');
  return `psql "${info.replace(/[\\"$`]/g, '\\$&')}"`;
}

/** `delete public.orders`, `read public.customers (id, name)`. */
export function accessText(access: IAccess): string {
  const columns = access.columns?.length
    ? ` (${[...access.columns].sort().join(', ')})`
    : '';
  return `${access.verb} ${access.resource}${columns}`;
}

/** What to call a session: its notebook, else its client, else its id. */
export function sessionTitle(session: ISession): string {
  return session.notebook
    ? baseName(session.notebook)
    : session.client || session.id.slice(0, 8);
}

/** The message in an operation's error, whatever form it was recorded in; "" where there is none. */
export function errorText(error: IOperation['error']): string {
  if (!error) {
    return '';
  }
  if (typeof error === 'string') {
    return error;
  }
  const { message, code } = error as { message?: unknown; code?: unknown };
  return [code, message].filter(part => typeof part === 'string').join(': ');
}
