import { Problem } from '../../core/problem.js';
import type { Egress } from '../egress/egress.js';
import type { MasterKey } from './master-key.js';
import { MasterKeyProvider } from './master-keys.js';

const TIMEOUT_MS = 5_000;
const MOST_BYTES = 65_536;
const RETRY_MS = 2_000;

export interface KmsOptions {
  url: string;
  key: string;
  token: string;
}

/**
 * A master key that never leaves its key service: HTTP as the transit engine of HashiCorp Vault and OpenBao speaks it, with a key of
 * type aes256-gcm96, which binds what it wraps to associated data. The service rotates it by itself.
 */
export class KmsMasterKey implements MasterKey {
  readonly id: string;

  constructor(
    private readonly egress: Egress,
    private readonly options: KmsOptions,
  ) {
    this.id = `kms:${options.key}`;
  }

  async wrap(key: Buffer, about: string): Promise<Buffer> {
    const { ciphertext } = await this.ask('encrypt', { plaintext: key.toString('base64'), associated_data: base64(about) });
    if (!ciphertext) throw away('gave no ciphertext');
    return Buffer.from(ciphertext);
  }

  async unwrap(wrapped: Buffer, about: string): Promise<Buffer> {
    const { plaintext } = await this.ask('decrypt', { ciphertext: wrapped.toString(), associated_data: base64(about) });
    if (!plaintext) throw away('gave no plaintext');
    return Buffer.from(plaintext, 'base64');
  }

  private async ask(what: 'encrypt' | 'decrypt', body: object): Promise<{ ciphertext?: string; plaintext?: string }> {
    const { url, key, token } = this.options;
    const answer = await this.egress.request({
      url: `${url.replace(/\/+$/, '')}/v1/transit/${what}/${key}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-vault-token': token },
      body: JSON.stringify(body),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MOST_BYTES,
      purpose: 'kms',
    });
    if (answer.status !== 200) throw away(`answered ${answer.status}`);
    return (JSON.parse(answer.body.toString('utf8')) as { data?: { ciphertext?: string; plaintext?: string } }).data ?? {};
  }
}

/** The one key of a key service. */
export class KmsMasterKeys extends MasterKeyProvider {
  private readonly key: KmsMasterKey;

  constructor(egress: Egress, options: KmsOptions) {
    super();
    this.key = new KmsMasterKey(egress, options);
  }

  load(): readonly MasterKey[] {
    return [this.key];
  }

  makeUnlessThere(): void {
    // The service has made it.
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const away = (how: string): Problem => new Problem('unavailable', { detail: `The key service ${how}.`, retryAt: new Date(Date.now() + RETRY_MS) });
