import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { keyOf, signedHeaders } from './standard-webhooks.js';

/** How senders show that they know the secret. `any`: whichever of the others a request uses. */
export const SIGNATURE_FORMS = ['any', 'sha256', 'github', 'stripe', 'slack', 'gitlab', 'standard'] as const;
export type SignatureForm = (typeof SIGNATURE_FORMS)[number];
type OneForm = Exclude<SignatureForm, 'any'>;

/** What a request shows, before it is known whether that is right. */
interface Shown {
  /** When it was signed, in seconds since 1970; only where that is part of what is signed. */
  seconds?: number;
  /** What its sender calls it, as far as it says so. Asked once the signature is known to be right: it may have to be read in the body. */
  delivery?: () => string | undefined;
  /** Whether the same body, for a while, is the same message: its signature says no time, or its sender says that it sends it again. */
  isKnownByBody?: () => boolean;
  matches: (secret: string) => boolean;
}

/** A request that is genuine: what names its delivery, and whether its body does. */
export type Verdict = { form: OneForm; deliveryHash: Buffer | null; isKnownByBody: boolean } | 'unsigned' | 'wrong_signature' | 'outside_window';

const MOST_SIGNATURES = 5;
const LONGEST_NAME = 255;

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};
const same = (given: Buffer, expected: Buffer): boolean => given.length === expected.length && timingSafeEqual(given, expected);
const isHexMac = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text);
const macOf = (secret: string | Buffer, ...parts: (string | Buffer)[]): Buffer => parts.reduce((mac, part) => mac.update(part), createHmac('sha256', secret)).digest();
const secondsOf = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined);

/** `sha256=` and hexadecimal, over the body. */
function plain(value: string | undefined, body: Buffer, delivery: string | undefined): Shown | undefined {
  const hex = value?.startsWith('sha256=') ? value.slice('sha256='.length) : undefined;
  if (hex === undefined) return undefined;
  return { delivery: () => delivery, matches: (secret) => isHexMac(hex) && same(Buffer.from(hex, 'hex'), macOf(secret, body)) };
}

/** The name of a delivery in a body of JSON: the same each time that it is sent. */
function named(body: Buffer, member: string, prefix: string): string | undefined {
  try {
    const name = (JSON.parse(body.toString('utf8')) as Record<string, unknown> | null)?.[member];
    return typeof name === 'string' && name !== '' && name.startsWith(prefix) && name.length <= LONGEST_NAME ? name : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Of a message that has no name: the same bytes, signed once more, are another one. */
const signedAt = (seconds: number, body: Buffer): string => `${seconds} ${hash('sha256', body)}`;

const FORMS: Readonly<Record<OneForm, (headers: IncomingHttpHeaders, body: Buffer) => Shown | undefined>> = {
  standard: (headers, body) => {
    const [id, time, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => header(headers, name));
    const seconds = secondsOf(time);
    if (id === undefined || seconds === undefined || signatures === undefined) return undefined;
    const given = signatures.split(' ').filter((signature) => signature.startsWith('v1,')).slice(0, MOST_SIGNATURES).map((signature) => Buffer.from(signature.slice(3), 'base64'));
    return { seconds, delivery: () => id, matches: (secret) => given.some((signature) => same(signature, macOf(keyOf(secret), `${id}.${time ?? ''}.`, body))) };
  },
  github: (headers, body) => plain(header(headers, 'x-hub-signature-256'), body, header(headers, 'x-github-delivery')),
  stripe: (headers, body) => {
    const parts = header(headers, 'stripe-signature')?.split(',').map((part) => part.trim().split('='));
    const time = parts?.find(([name]) => name === 't')?.[1];
    const seconds = secondsOf(time);
    if (!parts || seconds === undefined) return undefined;
    const given = parts.flatMap(([name, value = '']) => (name === 'v1' && isHexMac(value) ? [Buffer.from(value, 'hex')] : [])).slice(0, MOST_SIGNATURES);
    return { seconds, delivery: () => named(body, 'id', 'evt_') ?? signedAt(seconds, body), matches: (secret) => given.some((signature) => same(signature, macOf(secret, `${time ?? ''}.`, body))) };
  },
  slack: (headers, body) => {
    const [time, signature] = [header(headers, 'x-slack-request-timestamp'), header(headers, 'x-slack-signature')];
    const seconds = secondsOf(time);
    if (seconds === undefined || !signature?.startsWith('v0=')) return undefined;
    const hex = signature.slice(3);
    return {
      seconds,
      delivery: () => named(body, 'event_id', '') ?? signedAt(seconds, body),
      isKnownByBody: () => header(headers, 'x-slack-retry-num') !== undefined && named(body, 'event_id', '') === undefined,
      matches: (secret) => isHexMac(hex) && same(Buffer.from(hex, 'hex'), macOf(secret, `v0:${time ?? ''}:`, body)),
    };
  },
  gitlab: (headers) => {
    const token = header(headers, 'x-gitlab-token');
    const delivery = header(headers, 'x-gitlab-event-uuid');
    if (token === undefined) return undefined;
    return { delivery: () => delivery, matches: (secret) => same(hash('sha256', token, 'buffer'), hash('sha256', secret, 'buffer')) };
  },
  sha256: (headers, body) => plain(header(headers, 'x-signature-256') ?? header(headers, 'x-signature'), body, header(headers, 'x-delivery-id') ?? header(headers, 'idempotency-key')),
};
const ONE_FORMS = Object.keys(FORMS) as OneForm[];

/** What a sender of a form shows: the other side of `verify`. `any` is signed as Standard Webhooks. */
const SIGNING: Readonly<Record<OneForm, (secret: string, body: string, at: Date, id: string) => Record<string, string>>> = {
  standard: (secret, body, at, id) => signedHeaders([secret], id, at, body),
  github: (secret, body, _at, id) => ({ 'x-hub-signature-256': `sha256=${macOf(secret, body).toString('hex')}`, 'x-github-delivery': id }),
  stripe: (secret, body, at) => ({ 'stripe-signature': `t=${secondsAt(at)},v1=${macOf(secret, `${secondsAt(at)}.`, body).toString('hex')}` }),
  slack: (secret, body, at) => ({ 'x-slack-request-timestamp': secondsAt(at), 'x-slack-signature': `v0=${macOf(secret, `v0:${secondsAt(at)}:`, body).toString('hex')}` }),
  gitlab: (secret, _body, _at, id) => ({ 'x-gitlab-token': secret, 'x-gitlab-event-uuid': id }),
  sha256: (secret, body, _at, id) => ({ 'x-signature': `sha256=${macOf(secret, body).toString('hex')}`, 'x-delivery-id': id }),
};
const secondsAt = (at: Date): string => String(Math.floor(at.getTime() / 1000));

/** Headers of a request of this form. @param id of the delivery, where the form has one */
export const signedAs = (form: SignatureForm, secret: string, body: string, at: Date, id: string): Record<string, string> => SIGNING[form === 'any' ? 'standard' : form](secret, body, at, id);

/**
 * Whether a request comes from somebody who knows one of the secrets, and now. Compared in constant time. Of several signatures
 * the first form counts that the request shows: one that is wrong is not made good by another.
 * @param tolerance seconds that the time of a signature may be away from now
 */
export function verify(form: SignatureForm, headers: IncomingHttpHeaders, body: Buffer, secrets: readonly string[], now: Date, tolerance: number): Verdict {
  for (const one of form === 'any' ? ONE_FORMS : [form]) {
    const shown = FORMS[one](headers, body);
    if (!shown) continue;
    // Each is tried, so that it does not show which one was right.
    if (secrets.filter((secret) => shown.matches(secret)).length === 0) return 'wrong_signature';
    if (shown.seconds !== undefined && Math.abs(now.getTime() / 1000 - shown.seconds) > tolerance) return 'outside_window';
    const delivery = shown.delivery?.();
    return { form: one, deliveryHash: delivery === undefined ? null : createHash('sha256').update(`${one} ${delivery}`).digest(), isKnownByBody: shown.isKnownByBody?.() ?? shown.seconds === undefined };
  }
  return 'unsigned';
}
