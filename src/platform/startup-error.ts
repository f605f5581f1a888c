/**
 * A reason why the process cannot start that its operator can act on: one line, without secrets. The entry point
 * prints the message alone (no stack) and exits with a non-zero code.
 */
export class StartupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s*\n\s*/g, ' ').trim(), options);
    this.name = 'StartupError';
  }
}

/** The `code` of a system or database error (`ENOENT`, `28P01`), or undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What an unknown thrown value says, in words. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
