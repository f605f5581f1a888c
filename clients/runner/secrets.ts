import { ApiError } from './api.ts';
import type { Outcome } from './outcome.ts';

const PLACEHOLDER = /\{\{secret:([A-Za-z0-9][\w.-]{0,127})\}\}/g;
/** Asking again would not help: an administrator has to act. */
const STANDING = new Set(['secret_not_granted', 'secret_expired', 'version_destroyed']);

/** The names of the secrets that a payload asks for by `{{secret:NAME}}`, each once. */
export function secretNames(payload: unknown): string[] {
  return [...new Set([...(JSON.stringify(payload) ?? '').matchAll(PLACEHOLDER)].map(([, name = '']) => name))];
}

/** A copy of a payload with its placeholders filled in, in texts and in the names of members. */
export function fillSecrets(payload: unknown, values: ReadonlyMap<string, string>): unknown {
  // In one pass, so that a value which looks like a placeholder stays what it is.
  if (typeof payload === 'string') return payload.replaceAll(PLACEHOLDER, (whole, name: string) => values.get(name) ?? whole);
  if (Array.isArray(payload)) return payload.map((item: unknown) => fillSecrets(item, values));
  if (typeof payload !== 'object' || payload === null) return payload;
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [fillSecrets(name, values), fillSecrets(value, values)]));
}

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
  return work(values.size === 0 ? payload : fillSecrets(payload, values));
}
