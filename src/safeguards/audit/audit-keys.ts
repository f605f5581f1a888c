import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { type NoteKey, publicKeyOf, rawPublicKey } from '../../core/audit/checkpoint.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { isDamage } from '../../platform/crypto/damage.js';
import { type SealedPlace, TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { beforeTransaction } from '../../platform/database/transaction-scope.js';
import { type AuditKeyPurpose, type AuditKeyRow, AuditKeysRepository, type HeldKeyRow } from './audit-keys.repository.js';

/** What checkpoints are signed with, and the name of each tenant's log. */
export interface AuditSigner {
  /** Of the key. */
  id: string;
  key: NoteKey;
  originOf(tenantId: string): string;
  /** Whether it signs still, as a transaction sees it. */
  isCurrent(client: pg.ClientBase): Promise<boolean>;
}

/** A public key of this installation. */
export interface Verifier extends NoteKey {
  /** What the key before it signed when it named this one. */
  handover: string | null;
}

export interface Verifiers {
  /** The oldest first: each checkpoint is signed by one of them. */
  keys: Verifier[];
  /** Rows among them that this installation did not make. */
  foreign: { id: string; publicKey: Buffer | null }[];
}

interface OpenedKey {
  id: string;
  secret: Buffer;
}

const LABEL_KEY_BYTES = 32;
const LOG_NAME = 'wheelhouse.audit/';

/**
 * The keys of this installation's audit log: those that sign checkpoints, and the one under which labels are looked up.
 * They are made when first needed and stand in the database, sealed under the operator's key. Whoever can write there can add a row,
 * and not one that opens: a public key is believed when it is that of a secret which opens, or is sealed itself.
 */
@Injectable()
export class AuditKeys {
  private readonly known = new Map<AuditKeyPurpose, OpenedKey>();
  private loadingLabel: Promise<OpenedKey> | undefined;
  private installation: Promise<string> | undefined;

  constructor(
    private readonly cipher: TenantCipher,
    private readonly database: SystemDatabase,
    private readonly rows: AuditKeysRepository,
  ) {}

  /** Which key signs is asked each time: it may have been replaced. */
  async signer(): Promise<AuditSigner> {
    const [name, { id, secret }] = await Promise.all([this.name(), this.load('checkpoint')]);
    return { id, key: { name, key: privateKeyOf(secret) }, originOf: (tenantId) => `${name}/${tenantId}`, isCurrent: (client) => this.rows.isHeld(client, id) };
  }

  /** Public keys, the oldest first: each checkpoint is signed by one of them. */
  async verifiers(): Promise<Verifier[]> {
    return (await this.allVerifiers()).keys;
  }

  async allVerifiers(): Promise<Verifiers> {
    const name = await this.name();
    await this.load('checkpoint');
    const found: Verifiers = { keys: [], foreign: [] };
    for (const row of await this.rows.signing()) {
      const publicKey = await this.publicKeyIn(row);
      if (publicKey && row.public_key?.equals(publicKey)) found.keys.push({ name, key: publicKeyOf(publicKey), handover: row.handover });
      else found.foreign.push({ id: row.id, publicKey: row.public_key });
    }
    return found;
  }

  /** Names this installation, also to what does not lie in its database. */
  async installationId(): Promise<string> {
    return (await this.name()).slice(LOG_NAME.length);
  }

  async originOf(tenantId: string): Promise<string> {
    return `${await this.name()}/${tenantId}`;
  }

  /** What rows are found by when their label is sealed: nobody can try names on it without the key. */
  async labelHash(tenantId: string, label: string): Promise<Buffer> {
    return createHmac('sha256', (await this.labelKey()).secret).update(`${tenantId}\n${label}`).digest();
  }

  /** A new key for checkpoints: as it is stored, and to sign with. */
  async newSigningKey(): Promise<{ row: HeldKeyRow; secret: NoteKey['key'] }> {
    const { privateKey: secret } = generateKeyPairSync('ed25519');
    return { row: await this.rowOf('checkpoint', secret.export({ format: 'der', type: 'pkcs8' }), rawPublicKey(secret)), secret };
  }

  /** What is kept of a key that signs no more. */
  sealPublic(id: string, { key }: NoteKey): Promise<Buffer> {
    return this.cipher.seal(placeOf(id, 'sealed_public'), rawPublicKey(key).toString('base64'));
  }

  private async rowOf(purpose: AuditKeyPurpose, secret: Buffer, publicKey: Buffer | null): Promise<HeldKeyRow> {
    const id = newId();
    const sealed = await this.cipher.seal(placeOf(id, 'sealed_key'), secret.toString('base64'));
    return { id, purpose, public_key: publicKey, sealed_key: sealed, sealed_public: null, handover: null };
  }

  private name(): Promise<string> {
    this.installation ??= this.database.query<{ id: string }>('select id from installation').then(
      ([row]) => `${LOG_NAME}${row?.id ?? ''}`,
      (error: unknown) => {
        this.installation = undefined;
        throw error;
      },
    );
    return this.installation;
  }

  /** Of all who need it meanwhile one loads it; it is never replaced. */
  private async labelKey(): Promise<OpenedKey> {
    const known = this.known.get('label');
    if (known) return known;
    beforeTransaction(() => this.labelKey());
    this.loadingLabel ??= this.load('label').finally(() => (this.loadingLabel = undefined));
    return this.loadingLabel;
  }

  /** The newest that opens. One that was put in is passed by: it must not stop what is written. */
  private async load(purpose: AuditKeyPurpose): Promise<OpenedKey> {
    const known = this.known.get(purpose);
    for (const row of await this.heldOrMade(purpose)) {
      if (row.id === known?.id) return known;
      const secret = await this.secretIn(row);
      if (!secret) continue;
      const opened = { id: row.id, secret };
      this.known.set(purpose, opened);
      return opened;
    }
    throw new Error(`No key for ${purpose === 'checkpoint' ? 'checkpoints' : 'labels'} of the audit log opens: what stands in the database was not sealed under this master key.`);
  }

  private async heldOrMade(purpose: AuditKeyPurpose): Promise<HeldKeyRow[]> {
    const held = await this.rows.held(purpose);
    if (held.length > 0) return held;
    await this.rows.insertFirst(purpose === 'checkpoint' ? (await this.newSigningKey()).row : await this.rowOf(purpose, randomBytes(LABEL_KEY_BYTES), null));
    return this.rows.held(purpose);
  }

  /** Undefined when it is not what this installation sealed, or not the one of its public key. */
  private async secretIn({ id, purpose, public_key: stated, sealed_key: sealed }: HeldKeyRow): Promise<Buffer | undefined> {
    const text = await this.opened(placeOf(id, 'sealed_key'), sealed);
    const secret = text === undefined ? undefined : Buffer.from(text, 'base64');
    if (!secret || purpose === 'label') return secret;
    const publicKey = publicBytesOf(secret);
    return publicKey && stated?.equals(publicKey) ? secret : undefined;
  }

  private async publicKeyIn(row: AuditKeyRow): Promise<Buffer | undefined> {
    if (row.sealed_key) {
      const secret = await this.secretIn({ ...row, sealed_key: row.sealed_key });
      return secret && publicBytesOf(secret);
    }
    const text = row.sealed_public ? await this.opened(placeOf(row.id, 'sealed_public'), row.sealed_public) : undefined;
    return text === undefined ? undefined : Buffer.from(text, 'base64');
  }

  /** Undefined for what was not sealed here, for this place. */
  private async opened(place: SealedPlace, sealed: Buffer): Promise<string | undefined> {
    try {
      return await this.cipher.open(place, sealed);
    } catch (error) {
      if (isDamage(error) || (error instanceof Problem && error.code === 'erased')) return undefined;
      throw error;
    }
  }
}

/** What is given out beside the keys once one was replaced. */
export function handoversOf(keys: readonly Verifier[]): { handovers?: string[] } {
  const handovers = keys.flatMap(({ handover }) => handover ?? []);
  return handovers.length > 0 ? { handovers } : {};
}

/** A secret as it is sealed (PKCS 8), as a key. */
const privateKeyOf = (secret: Buffer): NoteKey['key'] => createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });

/** Undefined for bytes that are no key: those of one for another purpose. */
function publicBytesOf(secret: Buffer): Buffer | undefined {
  try {
    return rawPublicKey(createPublicKey(privateKeyOf(secret)));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

const placeOf = (id: string, column: 'sealed_key' | 'sealed_public'): SealedPlace => ({ tenantId: OPERATOR_TENANT_ID, row: `audit_keys/${id}/${column}` });
