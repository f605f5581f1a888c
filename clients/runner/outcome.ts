/** How one attempt at a task ended. */
export type Outcome = { kind: 'completed'; result: unknown } | { kind: 'failed'; error: string; retryable: boolean };

/** Longest error text that the plane takes. */
const LONGEST_ERROR = 10_000;
const REPLACEMENT = '\u{FFFD}';

/** What a command printed, as a result: its JSON value when it is JSON, else `{ "stdout": "..." }`; nothing is null. */
export function resultOf(stdout: string): unknown {
  const text = stdout.trim();
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON, which is as good. PostgreSQL cannot keep a NUL.
    return { stdout: stdout.replaceAll('\0', REPLACEMENT) };
  }
}

/** What is said of a command that did not end well: how it ended, and the tail of its stderr. */
export function errorOf(ending: string, stderr: string): string {
  const tail = stderr.trim().replaceAll('\0', REPLACEMENT);
  const text = tail === '' ? ending : `${ending}: ${tail}`;
  return text.length <= LONGEST_ERROR ? text : `${ending}: …${tail.slice(-(LONGEST_ERROR - ending.length - 3))}`;
}
