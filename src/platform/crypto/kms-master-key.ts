import { timingSafeEqual } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import type { Egress } from '../egress/egress.js';
import type { MasterKey } from './master-key.js';
import { KEY_BYTES } from './sealing.js';

/** For one try; and how long is waited before the next. A request may be waiting for it. */
const TIMEOUT_MS = 1_500;
const PAUSES_MS = [100, 400];
const MOST_BYTES = 65_536;
/** After a failure nobody asks for so long: who comes then is refused at once, and does not wait in a line. */
const REST_MS = 1_000;
const CIPHERTEXT = /^[\x21-\x7e]{1,4096}$/;

export interface KmsOptions {
  url: string;
  key: string;
  /** Read for each request: a service's tokens are renewed while the plane runs. */
  token: () => string;
}

/**
 * A master key that never leaves its key service: HTTP as the transit engine of HashiCorp Vault and OpenBao speaks it, with a key of
 * type aes256-gcm96, which binds what it wraps to associated data. The service rotates it by itself.
 */
export class KmsMasterKey implements MasterKey {
  readonly id: string;
  readonly isFarAway = true;
  private readonly logger = new Logger(KmsMasterKey.name);
  private failing = false;
  private probing = false;
  private restUntil = 0;

  /** @param egress a way out to the service's host alone */
  constructor(
    private readonly egress: Egress,
    private readonly options: KmsOptions,
  ) {
    this.id = `kms:${options.key}`;
  }

  /** What comes back is opened before it is relied on: a key that cannot be had again takes with it all that it sealed. */
  async wrap(key: Buffer, about: string): Promise<Buffer> {
    const { ciphertext } = await this.ask('encrypt', { plaintext: key.toString('base64'), associated_data: base64(about) });
    if (typeof ciphertext !== 'string' || !CIPHERTEXT.test(ciphertext)) throw this.away('gave no ciphertext');
    const wrapped = Buffer.from(ciphertext);
    if (!timingSafeEqual(await this.unwrap(wrapped, about), key)) throw this.away('does not give back what it was given');
    return wrapped;
  }

  async unwrap(wrapped: Buffer, about: string): Promise<Buffer> {
    const { plaintext } = await this.ask('decrypt', { ciphertext: wrapped.toString('latin1'), associated_data: base64(about) });
    const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext, 'base64') : undefined;
    if (bytes?.length !== KEY_BYTES) throw this.away('gave no key');
    return bytes;
  }

  /**
   * While the service is away one request at a time finds out whether it is back; all others are refused at once.
   * @throws Problem `unavailable` after some tries, Error when the service says that it did not wrap this
   */
  private async ask(what: 'encrypt' | 'decrypt', body: object): Promise<{ ciphertext?: unknown; plaintext?: unknown }> {
    if (this.failing && (this.probing || performance.now() < this.restUntil)) throw unavailable();
    this.probing = true;
    try {
      return dataOf(await this.exchange(what, JSON.stringify(body))) ?? this.fail('gave an answer that is not JSON');
    } finally {
      this.probing = false;
    }
  }

  private async exchange(what: string, body: string): Promise<string> {
    for (const milliseconds of this.failing ? [0] : [...PAUSES_MS, 0]) {
      const { status, text } = await this.send(what, body);
      if (status === 200 || status === 400) this.failing = false;
      if (status === 200) return text;
      if (status === 400) throw new Error(`The key service did not ${what}: another key, or changed bytes.`);
      const again = status === undefined || status === 429 || status >= 500;
      if (!again || milliseconds === 0) this.fail(status === undefined ? 'gives no answer' : `answers ${status}`);
      await pause(milliseconds);
    }
    return this.fail('gives no answer');
  }

  private async send(what: string, body: string): Promise<{ status?: number; text: string }> {
    const { url, key, token } = this.options;
    try {
      const answer = await this.egress.request({
        url: `${url.replace(/\/+$/, '')}/v1/transit/${what}/${key}`,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-vault-token': token(), 'x-vault-request': 'true' },
        body,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MOST_BYTES,
        purpose: 'kms',
      });
      return { status: answer.status, text: answer.body.toString('utf8') };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { text: '' };
    }
  }

  private fail(how: string): never {
    throw this.away(how);
  }

  /** The log says what happened, once in a while; callers learn that it is not their fault. */
  private away(how: string): Problem {
    this.failing = true;
    this.restUntil = performance.now() + REST_MS;
    this.logger.error(`The key service ${how}.`);
    return unavailable();
  }
}

function dataOf(text: string): { ciphertext?: unknown; plaintext?: unknown } | undefined {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    return typeof data === 'object' && data !== null ? data : {};
  } catch {
    return undefined;
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const unavailable = (): Problem => new Problem('unavailable', { detail: 'The key service that holds the master key is away.', retryAt: new Date(Date.now() + REST_MS) });
