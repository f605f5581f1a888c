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

/** Values that are shorter stand in any text by chance. */
const SHORTEST_HIDDEN = 4;

/**
 * A copy of what a command has said, its placeholders again in the place of the values: what it prints is stored, and it may print
 * what it was given. Found are values as they are, as a JSON text has them, URL-encoded, and in base64 by themselves.
 */
export function hideSecrets(said: unknown, values: ReadonlyMap<string, string>): unknown {
  const forms = [...values].flatMap(([name, value]) => (value.length < SHORTEST_HIDDEN ? [] : formsOf(value).map((form) => ({ form, placeholder: `{{secret:${name}}}` }))));
  // A value may hold another one: the longer goes first.
  return hide(said, forms.sort((a, b) => b.form.length - a.form.length));
}

function hide(said: unknown, forms: readonly { form: string; placeholder: string }[]): unknown {
  if (typeof said === 'string') return forms.reduce((text, { form, placeholder }) => text.replaceAll(form, () => placeholder), said);
  if (typeof said === 'number' || typeof said === 'bigint') return forms.find(({ form }) => form === String(said))?.placeholder ?? said;
  if (Array.isArray(said)) return said.map((item: unknown) => hide(item, forms));
  if (typeof said !== 'object' || said === null) return said;
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [String(hide(name, forms)), hide(value, forms)]));
}

function formsOf(value: string): string[] {
  const base64 = Buffer.from(value).toString('base64');
  return [...new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed()), base64, base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')])];
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
  if (values.size === 0) return work(payload);
  const outcome = await work(fillSecrets(payload, values));
  if (outcome.kind === 'failed') return { ...outcome, error: String(hideSecrets(outcome.error, values)) };
  return { ...outcome, result: hideSecrets(outcome.result, values) };
}
