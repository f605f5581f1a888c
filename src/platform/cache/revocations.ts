import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../config/config.js';
import { DatabaseListener } from '../database/listener.js';
import { SystemDatabase } from '../database/system-database.js';
import { afterCommit } from '../database/tenant-transaction.adapter.js';
import { MAX_AGE_MS, RevocableCache } from './revocable-cache.js';

const REVOKE_CHANNEL = 'wheelhouse_revoke';
const CONFIRM_CHANNEL = 'wheelhouse_revoke_confirm';
const ALIVE_EVERY_MS = 1_000;
/** A process that has not been seen for so long has no answer left that is younger than `MAX_AGE_MS`. */
const DEAD_AFTER_SECONDS = 5;
/** A notification holds less than 8,000 bytes; a tag is a word and a UUID. */
const MOST_TAGS = 100;

interface Waiting {
  missing: Set<string>;
  done: () => void;
}

/**
 * Makes a revocation hold in every process before its request is answered. The tags go to all processes; each forgets
 * what rests on them and confirms. A process that does not confirm is waited for as long as an answer may be kept, and
 * then has none left: so the guarantee needs no process to be well, and the usual case takes milliseconds.
 */
@Injectable()
export class Revocations implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly processId = randomUUID();
  private readonly logger = new Logger(Revocations.name);
  private readonly caches: RevocableCache<object>[] = [];
  private readonly listeners: ((tags: readonly string[]) => void)[] = [];
  private readonly waiting = new Map<string, Waiting>();
  private alive: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
    private readonly listener: DatabaseListener,
  ) {
    listener.on(REVOKE_CHANNEL, (payload) => this.received(payload));
    listener.on(CONFIRM_CHANNEL, (payload) => this.confirmed(payload));
    listener.onReconnect(() => this.caches.forEach((cache) => cache.clear()));
  }

  /** A cache whose answers are dropped when a tag of theirs is revoked, in whatever process that happens. */
  cache<V extends object>(load: (key: string) => Promise<V | undefined>, tagsOf: (value: V) => readonly string[]): RevocableCache<V> {
    const cache = new RevocableCache<V>(load, tagsOf, () => this.listener.connected);
    this.caches.push(cache as unknown as RevocableCache<object>);
    return cache;
  }

  /** Called in every process with the tags of each revocation: sockets and streams end themselves there. */
  onRevoked(listener: (tags: readonly string[]) => void): void {
    this.listeners.push(listener);
  }

  /** Revokes once the running transaction has committed; the transaction's caller gets its answer after that. */
  afterCommit(...tags: string[]): void {
    afterCommit(() => this.revoke(tags));
  }

  /** Resolves when no process honours anything that rests on `tags` any more. */
  async revoke(tags: readonly string[]): Promise<void> {
    for (let index = 0; index < tags.length; index += MOST_TAGS) await this.revokeTogether(tags.slice(index, index + MOST_TAGS));
  }

  private async revokeTogether(tags: readonly string[]): Promise<void> {
    this.apply(tags);
    const others = await this.others();
    if (others.length === 0) return;
    const id = randomUUID();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => this.settle(id), MAX_AGE_MS);
      this.waiting.set(id, {
        missing: new Set(others),
        done: () => {
          clearTimeout(timer);
          resolve();
        },
      });
      this.database.query('select pg_notify($1, $2)', [REVOKE_CHANNEL, JSON.stringify({ id, from: this.processId, tags })]).catch(reject);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.register();
    this.alive = setInterval(() => {
      this.register().catch((error: unknown) => this.logger.warn(`Could not report alive: ${String(error)}`));
    }, ALIVE_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.alive);
    await this.database
      .query('delete from processes where id = $1', [this.processId])
      .catch((error: unknown) => this.logger.warn(`Could not sign off: ${String(error)}`));
  }

  onApplicationShutdown(): void {
    clearInterval(this.alive);
  }

  private async register(): Promise<void> {
    await this.database.query(
      `insert into processes (id, role) values ($1, $2) on conflict (id) do update set seen_at = now()`,
      [this.processId, this.config.get('PROCESS_ROLE')],
    );
  }

  private async others(): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select id from processes where id <> $1 and seen_at > now() - make_interval(secs => $2)`,
      [this.processId, DEAD_AFTER_SECONDS],
    );
    return rows.map(({ id }) => id);
  }

  private apply(tags: readonly string[]): void {
    this.caches.forEach((cache) => cache.revoke(tags));
    this.listeners.forEach((listener) => listener(tags));
  }

  private received(payload: string): void {
    const { id, from, tags } = JSON.parse(payload) as { id: string; from: string; tags: string[] };
    if (from === this.processId) return;
    this.apply(tags);
    this.listener.notify(CONFIRM_CHANNEL, JSON.stringify({ id, by: this.processId }));
  }

  private confirmed(payload: string): void {
    const { id, by } = JSON.parse(payload) as { id: string; by: string };
    const waiting = this.waiting.get(id);
    if (waiting?.missing.delete(by) && waiting.missing.size === 0) this.settle(id);
  }

  private settle(id: string): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.done();
  }
}
