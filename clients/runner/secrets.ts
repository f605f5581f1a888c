import { fillSecrets, hideSecrets, secretNames } from '../../src/core/secret-placeholders.ts';
import { ApiError } from './api.ts';
import type { Outcome } from './outcome.ts';

/** Asking again would not help: an administrator has to act. */
const STANDING = new Set(['secret_not_granted', 'secret_expired', 'version_destroyed']);

/**
 * Runs `work` with a payload whose placeholders are filled in: here, in memory, just before it is used. A secret that is refused
 * fails the task, and its name is all that is said of it.
 */
export async function withSecrets(payload: unknown, get: (name: string) => Promise<string>, work: (filled: unknown) => Promise<Outcome>): Promise<Outcome> {
  const values = new Map<string, string>();
  for (const name of secretNames(payload)) {
    try {
      values.set(name, await get(name));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { kind: 'failed', error: `the secret ${name} was refused: ${error.code}`, retryable: !STANDING.has(error.code) };
    }
  }
  if (values.size === 0) return work(payload);
  const outcome = await work(fillSecrets(payload, values));
  if (outcome.kind === 'failed') return { ...outcome, error: String(hideSecrets(outcome.error, values)) };
  return { ...outcome, result: hideSecrets(outcome.result, values) };
}
