/** `{{secret:NAME}}`: stands for the value of a secret, in what is stored and shown. */
const PLACEHOLDER = /\{\{secret:([A-Za-z0-9][\w.-]{0,127})\}\}/g;
/** Values that are shorter stand in any text by chance. */
const SHORTEST_HIDDEN = 4;

/** The names of the secrets that a JSON value asks for by `{{secret:NAME}}`, each once, in the order of their first place. */
export function secretNames(value: unknown): string[] {
  return [...new Set([...(JSON.stringify(value) ?? '').matchAll(PLACEHOLDER)].map(([, name = '']) => name))];
}

/**
 * A copy of a JSON value whose placeholders are no longer any: text that agents, callers or other systems said asks for no secret. A
 * zero-width space tells it from one that the author of a call wrote.
 */
export function withoutPlaceholders(said: unknown): unknown {
  if (typeof said === 'string') return said.replaceAll(PLACEHOLDER, '{{secret\u200B:$1}}');
  if (Array.isArray(said)) return said.map(withoutPlaceholders);
  if (typeof said !== 'object' || said === null) return said;
  return Object.fromEntries(Object.entries(said).map(([name, member]) => [withoutPlaceholders(name) as string, withoutPlaceholders(member)]));
}

/**
 * A copy of a JSON value with its placeholders filled in, in texts and in the names of members. In one pass, so that a value
 * which looks like a placeholder stays what it is; names that `values` lacks stay as they are.
 * @param encode what is done to each value before it is put in
 */
export function fillSecrets(value: unknown, values: ReadonlyMap<string, string>, encode: (value: string) => string = (text) => text): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(PLACEHOLDER, (whole, name: string) => {
      const secret = values.get(name);
      return secret === undefined ? whole : encode(secret);
    });
  }
  if (Array.isArray(value)) return value.map((item: unknown) => fillSecrets(item, values, encode));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [fillSecrets(name, values, encode), fillSecrets(member, values, encode)]));
}

/**
 * A copy of what was said by someone who was given secrets, the placeholders again in the place of the values. Found are values as
 * they are, as a JSON text has them, URL-encoded, and in base64 by themselves; of at least four characters.
 */
export function hideSecrets(said: unknown, values: ReadonlyMap<string, string>): unknown {
  const forms = [...values].flatMap(([name, value]) => (value.length < SHORTEST_HIDDEN ? [] : formsOf(value).map((form) => ({ form, placeholder: `{{secret:${name}}}` }))));
  // A value may hold another one: the longer goes first.
  return hide(said, forms.sort((a, b) => b.form.length - a.form.length));
}

interface Hidden {
  form: string;
  placeholder: string;
}

function hide(said: unknown, forms: readonly Hidden[]): unknown {
  if (typeof said === 'string') return forms.reduce((text, { form, placeholder }) => text.replaceAll(form, () => placeholder), said);
  if (typeof said === 'number' || typeof said === 'bigint') return forms.find(({ form }) => form === String(said))?.placeholder ?? said;
  if (Array.isArray(said)) return said.map((item: unknown) => hide(item, forms));
  if (typeof said !== 'object' || said === null) return said;
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [String(hide(name, forms)), hide(value, forms)]));
}

function formsOf(value: string): string[] {
  const base64 = Buffer.from(value).toString('base64');
  const encoded = encodeURIComponent(value.toWellFormed());
  // In a path the slashes may stand, in a form a space is a plus.
  const inUrls = [encoded, encoded.replaceAll('%2F', '/'), encoded.replaceAll('%20', '+')];
  return [...new Set([value, JSON.stringify(value).slice(1, -1), ...inUrls, base64, base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')])];
}
