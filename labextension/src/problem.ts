/**
 * An answer that is an error, in the one shape that our server extension gives: `{"error": {code, message, hint}}`.
 *
 * Knows JSON, no transport.
 */

/** What went wrong with a request: `status` 0 where nothing answered at all. */
export class GovernProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint = ''
  ) {
    super(message);
    this.name = 'GovernProblem';
  }
}

/** The body of a failed answer as a GovernProblem; a body in some other shape still gives a readable one. */
export function readProblem(status: number, body: string): GovernProblem {
  let said: { code?: unknown; message?: unknown; hint?: unknown } = {};
  try {
    said = JSON.parse(body)?.error ?? {};
  } catch {
    // an error page of some proxy in between: its HTML helps nobody
  }
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : '';
  return new GovernProblem(
    status,
    text(said.code) || `http-${status}`,
    text(said.message) || `the notebook server answered ${status}`,
    text(said.hint)
  );
}

/** Whatever was thrown, as a GovernProblem. */
export function asProblem(thrown: unknown): GovernProblem {
  return thrown instanceof GovernProblem
    ? thrown
    : new GovernProblem(
        0,
        'no-answer',
        thrown instanceof Error ? thrown.message : String(thrown)
      );
}
