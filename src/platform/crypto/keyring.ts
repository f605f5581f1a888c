import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { newId } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import type { RevocableCache } from '../cache/revocable-cache.js';
import { Revocations } from '../cache/revocations.js';
import { beforeTransaction, besideTransaction } from '../database/transaction-scope.js';
import { errorText } from '../startup-error.js';
import { aboutKey } from './about-key.js';
import type { MasterKey } from './master-key.js';
import { MasterKeys } from './master-keys.js';
import { KEY_BYTES } from './sealing.js';
import type { KeySubject } from './tenant-cipher.js';
import { type DestroyedKey, type TenantKeyRow, TenantKeysRepository } from './tenant-keys.repository.js';

export type { DestroyedKey };

/** A key that is ready for use. Its bytes are outside of what a dump of the heap, a log or a debugger's print shows. */
export interface TenantKey {
  id: string;
  key: KeyObject;
}

/** No key has that id. */
export class UnknownKey extends Error {
  constructor() {
    super('What is to be opened names a key that there never was.');
  }
}

const MOST_OPEN = 10_000;
/** From half of it on a key that is in use is opened anew beside the request, so that none waits for a key service. */
const OPEN_MS = 300_000;
const RETRY_MS = 2_000;

const tagOf = (tenantId: string): string => `keys-of:${tenantId}`;

/**
 * The keys of tenants and their agents. Whether one still stands is asked anew at least every two seconds, and at once
 * when it was destroyed, in whatever process; unwrapped keys are kept in memory for a while, never written anywhere. No
 * transaction waits for a key service: one that needs a key which is not open is run again with the key (`beforeTransaction`).
 */
@Injectable()
export class Keyring {
  private readonly logger = new Logger(Keyring.name);
  private readonly rows: RevocableCache<TenantKeyRow>;
  private readonly current: RevocableCache<TenantKeyRow>;
  private readonly open = new LRUCache<string, { tenantId: string; key: KeyObject }>({ max: MOST_OPEN, ttl: OPEN_MS });
  private opening = new Map<string, Promise<KeyObject>>();

  constructor(
    private readonly masters: MasterKeys,
    private readonly repository: TenantKeysRepository,
    private readonly revocations: Revocations,
  ) {
    const tagsOf = ({ tenant_id }: TenantKeyRow): string[] => [tagOf(tenant_id)];
    this.rows = revocations.cache((key) => this.repository.byId(...(key.split('/') as [string, string])), tagsOf);
    this.current = revocations.cache((key) => this.loadCurrent(key), tagsOf);
    revocations.onRevoked((tags) => this.forget(tags));
  }

  /**
   * The key that seals what is about a subject; made when there is none.
   * @throws Problem `erased` when it was destroyed for good
   */
  async keyOf(tenantId: string, subject: KeySubject): Promise<TenantKey> {
    const row = (await this.current.get(`${tenantId}/${subject.type}/${subject.id}`)) ?? (await this.make(tenantId, subject));
    return { id: row.id, key: await this.unwrap(row) };
  }

  /** @throws Problem `erased` when it was destroyed @throws UnknownKey when there never was such a key: the bytes that name it are not what was sealed */
  async keyById(tenantId: string, id: string): Promise<KeyObject> {
    const row = await this.rows.get(`${tenantId}/${id}`);
    if (!row) throw new UnknownKey();
    if (!row.wrapped) throw new Problem('erased');
    return this.unwrap(row);
  }

  /**
   * Destroys the keys of a subject, or all of a tenant, in the running transaction: once it has committed, and before its
   * caller is answered, no process opens what they sealed.
   * @returns how many there were
   */
  async destroy(tenantId: string, subject: KeySubject | 'all'): Promise<number> {
    const count = await this.repository.destroy(tenantId, subject);
    this.revocations.afterCommit(tagOf(tenantId));
    return count;
  }

  /** Like `destroy`, and no key is ever made again for the subject, or for anything of the tenant. */
  async destroyForGood(tenantId: string, subject: KeySubject | 'all'): Promise<void> {
    // Its last key is what says so: there must be one.
    await this.keyOf(tenantId, subject === 'all' ? { type: 'tenant', id: tenantId } : subject);
    await this.repository.destroy(tenantId, subject, true);
    this.revocations.afterCommit(tagOf(tenantId));
  }

  /** The keys of a subject, or all of a tenant, that were destroyed, the oldest first. */
  destroyed(tenantId: string, subject: KeySubject | 'all'): Promise<DestroyedKey[]> {
    return this.repository.destroyed(tenantId, subject);
  }

  private loadCurrent(key: string): Promise<TenantKeyRow | undefined> {
    const [tenantId = '', type, id = ''] = key.split('/');
    return this.repository.ofSubject(tenantId, { type: type as KeySubject['type'], id });
  }

  private async make(tenantId: string, subject: KeySubject): Promise<TenantKeyRow> {
    // Twice: between the question which master key is current and the answer a rotation may have begun.
    for (let tries = 0; tries < 2; tries += 1) if (await this.insert(tenantId, subject)) return this.made(tenantId, subject);
    throw unavailable();
  }

  private async insert(tenantId: string, { type, id: subjectId }: KeySubject): Promise<boolean> {
    const master = this.master(await this.repository.currentMasterId());
    if (master.isFarAway) beforeTransaction(`a key of ${tenantId}/${type}/${subjectId}`, () => this.keyOf(tenantId, { type, id: subjectId }));
    const row = { tenant_id: tenantId, id: newId(), subject_type: type, subject_id: subjectId };
    const wrapped = await master.wrap(randomBytes(KEY_BYTES), aboutKey(row));
    return this.repository.insert({ ...row, wrapped, master_key_id: master.id });
  }

  /** Of several that made one at the same moment, one made it for all. */
  private async made(tenantId: string, subject: KeySubject): Promise<TenantKeyRow> {
    const row = await this.repository.ofSubject(tenantId, subject);
    if (!row) throw new Problem('erased');
    return row;
  }

  private async unwrap(row: TenantKeyRow): Promise<KeyObject> {
    const known = this.open.get(row.id);
    if (!known) {
      if (this.master(row.master_key_id).isFarAway) beforeTransaction(`key ${row.id}`, () => this.unwrapOnce(row));
      return this.unwrapOnce(row);
    }
    if (this.open.getRemainingTTL(row.id) < OPEN_MS / 2) besideTransaction(() => this.unwrapOnce(row)).catch((error: unknown) => this.logger.debug(`A key was not opened anew: ${errorText(error)}`));
    return known.key;
  }

  /** Who needs it while it is being opened waits for the same answer. */
  private unwrapOnce(row: TenantKeyRow): Promise<KeyObject> {
    const running = this.opening.get(row.id);
    if (running) return running;
    const opening = this.opening;
    const started = this.unwrapAndKeep(row, opening).finally(() => opening.delete(row.id));
    opening.set(row.id, started);
    return started;
  }

  private async unwrapAndKeep(row: TenantKeyRow, opening: unknown): Promise<KeyObject> {
    const bytes = await this.master(row.master_key_id).unwrap(row.wrapped ?? Buffer.alloc(0), aboutKey(row));
    const key = createSecretKey(bytes);
    bytes.fill(0);
    // A key that was destroyed while it was being opened is not kept.
    if (opening === this.opening) this.open.set(row.id, { tenantId: row.tenant_id, key });
    return key;
  }

  private master(id: string): MasterKey {
    const master = this.masters.find(id);
    if (master) return master;
    this.logger.error(`The master key ${id} is missing.`);
    throw unavailable();
  }

  private forget(tags: readonly string[]): void {
    const tenants = new Set(tags.filter((tag) => tag.startsWith('keys-of:')).map((tag) => tag.slice('keys-of:'.length)));
    if (tenants.size === 0) return;
    this.opening = new Map();
    for (const [id, { tenantId }] of this.open.entries()) if (tenants.has(tenantId)) this.open.delete(id);
  }
}

const unavailable = (): Problem => new Problem('unavailable', { detail: 'The master key is away.', retryAt: new Date(Date.now() + RETRY_MS) });
