import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { LRUCache } from 'lru-cache';
import { type NoteKey, publicKeyOf, rawPublicKey, verifierKey } from '../../core/audit/checkpoint.js';
import { type Handover, handoverIn, inTheirTime } from '../../core/audit/key-handover.js';
import { HASH_BYTES } from '../../core/audit/merkle.js';
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
  /** What the keys of this installation signed when one gave way to another. */
  handovers: readonly string[];
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

/** Keys of one purpose as they are stored, and what they signed about each other. */
interface StoredKeys {
  /** The oldest first. */
  rows: AuditKeyRow[];
  handovers: Handover[];
}

/** None of the keys in the database is one that this installation made and that was not replaced. */
export class NoKey extends Error {}

const LABEL_KEY_BYTES = 32;
const MOST_READ = 1_000;
const LOG_NAME = 'wheelhouse.audit/';

/** What the keys of an installation are called; the name of each of its logs begins with it. */
export const logNameOf = (installation: string): string => `${LOG_NAME}${installation}`;

/**
 * The keys of this installation's audit log: those that sign checkpoints, and the one under which labels are looked up.
 * They are made when first needed and stand in the database, sealed under the operator's key. Whoever can write there can add a row,
 * and not one that opens: a public key is believed when it is that of a secret which opens, or is sealed itself.
 */
@Injectable()
export class AuditKeys {
  private readonly known = new Map<AuditKeyPurpose, OpenedKey>();
  private readonly read = new LRUCache<string, Handover[]>({ max: MOST_READ });
  private loadingLabel: Promise<OpenedKey> | undefined;
  private installation: Promise<string> | undefined;

  constructor(
    private readonly cipher: TenantCipher,
    private readonly database: SystemDatabase,
    private readonly rows: AuditKeysRepository,
  ) {}

  /** Which key signs is asked each time: it may have been replaced. */
  async signer(): Promise<AuditSigner> {
    const name = await this.name();
    const stored = await this.stored('checkpoint');
    const { id, secret } = await this.load('checkpoint', this.signing(name, stored));
    const key: NoteKey = { name, key: privateKeyOf(secret) };
    const since = sinceOf(verifierKey(key), stored);
    return { id, key: { ...key, ...(since === undefined ? {} : { since }) }, handovers: stored.rows.flatMap(({ handover }) => handover ?? []), originOf: (tenantId) => `${name}/${tenantId}`, isCurrent: (client) => this.rows.isHeld(client, id) };
  }

  /** Public keys, the oldest first: each checkpoint is signed by one of them. */
  async verifiers(): Promise<Verifier[]> {
    return (await this.allVerifiers()).keys;
  }

  async allVerifiers(): Promise<Verifiers> {
    const name = await this.name();
    const { rows, handovers } = await this.stored('checkpoint');
    const keys: Verifier[] = [];
    const foreign: Verifiers['foreign'] = [];
    for (const row of rows) {
      const publicKey = await this.publicKeyIn(row);
      if (publicKey && row.public_key?.equals(publicKey)) keys.push({ name, key: publicKeyOf(publicKey), handover: row.handover });
      else foreign.push({ id: row.id, publicKey: row.public_key });
    }
    return { keys: inTheirTime(keys, handovers), foreign };
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
      ([row]) => {
        if (!row) throw new Error('The database does not say which installation it is of.');
        return logNameOf(row.id);
      },
    );
    // What failed is asked again.
    this.installation.catch(() => (this.installation = undefined));
    return this.installation;
  }

  /** Of all who need it meanwhile one loads it; it is never replaced. */
  private async labelKey(): Promise<OpenedKey> {
    const known = this.known.get('label');
    if (known) return known;
    beforeTransaction('the key of labels', () => this.labelKey());
    this.loadingLabel ??= this.stored('label')
      .then(({ rows }) => this.load('label', rows.filter(isHeld).reverse()))
      .finally(() => (this.loadingLabel = undefined));
    return this.loadingLabel;
  }

  /** The first that opens. One that was put in is passed by: it must not stop what is written. */
  private async load(purpose: AuditKeyPurpose, candidates: readonly HeldKeyRow[]): Promise<OpenedKey> {
    const known = this.known.get(purpose);
    for (const row of candidates) {
      if (row.id === known?.id) return known;
      const secret = await this.secretIn(row);
      if (!secret) continue;
      const opened = { id: row.id, secret };
      this.known.set(purpose, opened);
      return opened;
    }
    throw new NoKey(`No key for ${purpose === 'checkpoint' ? 'checkpoints' : 'labels'} of the audit log opens: what stands in the database was not sealed under this master key, or was replaced.`);
  }

  /** Keys that may sign, the newest first: that is the one that was handed over to last. One that has handed over itself never signs again, though somebody put its secret back. */
  private signing(name: string, stored: StoredKeys): HeldKeyRow[] {
    const lineOf = ({ public_key: raw }: AuditKeyRow): string | undefined => (raw?.length === HASH_BYTES ? verifierKey({ name, key: publicKeyOf(raw) }) : undefined);
    const since = (row: AuditKeyRow): string => sinceOf(lineOf(row), stored) ?? '';
    const isReplaced = (row: AuditKeyRow): boolean => row.sealed_public !== null || stored.handovers.some(({ from }) => from === lineOf(row));
    return stored.rows.filter(isHeld).filter((row) => !isReplaced(row)).reverse().sort((a, b) => since(b).localeCompare(since(a)));
  }

  private async stored(purpose: AuditKeyPurpose): Promise<StoredKeys> {
    let rows = await this.rows.all(purpose);
    if (!rows.some(isHeld)) {
      await this.rows.insertFirst(purpose === 'checkpoint' ? (await this.newSigningKey()).row : await this.rowOf(purpose, randomBytes(LABEL_KEY_BYTES), null));
      rows = await this.rows.all(purpose);
    }
    return { rows, handovers: rows.flatMap(({ handover }) => (handover === null ? [] : this.handoverIn(handover))) };
  }

  /** Signatures are checked once. */
  private handoverIn(note: string): Handover[] {
    const known = this.read.get(note) ?? handoverIn(note);
    this.read.set(note, known);
    return known;
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

const isHeld = (row: AuditKeyRow): row is HeldKeyRow => row.sealed_key !== null;

/** When a key took the place of another. */
const sinceOf = (line: string | undefined, { handovers }: StoredKeys): string | undefined => handovers.find(({ to }) => to === line)?.time;

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
