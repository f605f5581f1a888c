import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import type { EventType, StoredEvent } from '../../core/event.js';
import { Config } from '../config/config.js';
import { SystemDatabase } from '../database/system-database.js';
import { errorText, EventDelivery, type Handler, type Progress, type Receiver } from './event-delivery.js';
import { EventLog, type LoggedEvent, type Position } from './event-log.js';
import { EventSignal } from './event-signal.js';
import { CONSUMER_LOCK, type Concern, EventTurns } from './event-turns.js';

const BATCH = 200;
const POLL_MS = 500;
const PAUSE_MS = 40;
/** Consumers that have much to do take turns. */
const SLICE_MS = 250;
const RETRY_MS = 300;
/** While the database is away the pauses double, up to this. */
const LONGEST_RETRY_MS = 15_000;
const UNHEALTHY_MS = 60_000;
/** Of a tenant that has its turn: between them it can end. */
const MOST_AT_ONCE = 20;

interface Consumer extends Receiver {
  handlers: Map<string, Handler>;
  /** Which facts are left to the turns of their tenants; the others concern nobody. */
  inTurns?: Concern;
  /** Tries in a row that found the database away. */
  away: number;
  /** No try before this, whatever wakes the process. */
  notBefore: number;
}

interface ConsumerRow extends Position {
  /** Of the first fact after the position. */
  failures: number;
}

/**
 * Follows the event log for every registered consumer: in order, in batches, by one process at a time (an advisory
 * lock is held while a batch runs), from its own stored position. A handler runs in the tenant of its event and must
 * be idempotent on the event's id: after a crash the batch is delivered again.
 */
@Injectable()
export class EventConsumers implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(EventConsumers.name);
  private readonly consumers = new Map<string, Consumer>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;
  private lastRound = performance.now();

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
    private readonly log: EventLog,
    private readonly signal: EventSignal,
    private readonly delivery: EventDelivery,
    private readonly turns: EventTurns,
  ) {}

  /** Registers a handler of one fact for a consumer; call it in `onModuleInit`. */
  on<T extends object>(consumer: string, type: EventType<T>, handler: (event: StoredEvent<T>) => Promise<void>): void {
    this.register(consumer, type.name, { many: false, handle: ([event]) => handler(event as StoredEvent<T>) });
  }

  /** Like `on`, for facts that come in great numbers: those of a tenant that follow each other go to the handler together. */
  onMany<T extends object>(consumer: string, type: EventType<T>, handler: (events: readonly StoredEvent<T>[]) => Promise<void>): void {
    this.register(consumer, type.name, { many: true, handle: (events) => handler(events as readonly StoredEvent<T>[]) });
  }

  /** Registers a handler of every fact, whatever its name: those of a tenant that follow each other go to it together. */
  onAll(consumer: string, handler: (events: readonly LoggedEvent[]) => Promise<void>): void {
    this.entry(consumer).ofAll = { many: true, handle: handler };
  }

  /**
   * Like `onAll`, for a handler whose work grows with what a tenant has made: tenants have turns, and one that has very much to be
   * handled holds no other up. Each tenant's facts still come in their order.
   * @param concern whether facts of a name mean anything to a tenant: where none of them does, it has no turn
   */
  onAllInTurns(consumer: string, concern: Concern, handler: (events: readonly LoggedEvent[]) => Promise<void>): void {
    this.entry(consumer).inTurns = concern;
    this.turns.register({ name: consumer, handlers: new Map(), ofAll: { many: true, handle: handler }, most: MOST_AT_ONCE });
  }

  private register(consumer: string, event: string, handler: Handler): void {
    this.entry(consumer).handlers.set(event, handler);
  }

  private entry(name: string): Consumer {
    const entry = this.consumers.get(name) ?? { name, handlers: new Map<string, Handler>(), away: 0, notBefore: 0 };
    this.consumers.set(name, entry);
    return entry;
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.runsJobs) return;
    for (const name of this.consumers.keys()) {
      await this.database.query('insert into event_consumers (name, tx, seq) values ($1, 0, 0) on conflict do nothing', [name]);
    }
    this.signal.onRaised(() => this.wake());
    this.timer = setInterval(() => this.wake(), POLL_MS);
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Whether a round has ended lately, and no turn lasts very long: a follower that hangs is no reason to restart the database, but one to look. */
  get healthy(): boolean {
    return performance.now() - this.lastRound < UNHEALTHY_MS && this.turns.longestMs < UNHEALTHY_MS;
  }

  private wake(): void {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = this.round()
      .catch((error: unknown) => this.logger.error({ err: error }, 'Following the event log failed; it is tried again.'))
      .finally(() => {
        this.running = undefined;
        if (!this.again) return;
        this.again = false;
        // Under load every round is followed by another: a pause lets facts gather, so that a round is worth its statements.
        setTimeout(() => this.wake(), PAUSE_MS);
      });
  }

  private async round(): Promise<void> {
    for (let isMore = true; isMore && !this.stopped; ) {
      isMore = false;
      for (const consumer of this.consumers.values()) isMore = (await this.go(consumer)) || isMore;
    }
    this.lastRound = performance.now();
  }

  /** Batch after batch, for so long and no longer: what one has to do is no reason for the others to wait. @returns whether there may be more */
  private async go(consumer: Consumer): Promise<boolean> {
    const end = performance.now() + SLICE_MS;
    let isMore = true;
    while (isMore && !this.stopped && performance.now() < end) isMore = await this.batch(consumer);
    this.turns.wakeIfLeft(consumer.name);
    return isMore;
  }

  /**
   * The transaction that holds the lock writes nothing before its end: a row lock would give it a transaction id, and
   * the log would end there for every reader while the handlers run.
   * @returns whether there may be more
   */
  private async batch(consumer: Consumer): Promise<boolean> {
    if (performance.now() < consumer.notBefore) return false;
    return this.database.transaction(async (client) => {
      const { rows: lock } = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1, hashtext($2)) as got', [CONSUMER_LOCK, consumer.name]);
      if (!lock[0]?.got) return false;
      // A statement of its own, so that it sees what the holder before has stored.
      const { rows } = await client.query<ConsumerRow>('select tx::text, seq::text, failures from event_consumers where name = $1', [consumer.name]);
      const row = rows[0];
      if (!row) return false;
      const events = await this.log.after(row, BATCH);
      const last = events.at(-1);
      if (!last) return false;
      const { position, failures, error, away, unfinished } = consumer.inTurns ? await this.leave(client, consumer, consumer.inTurns, row, events) : await this.delivery.deliver(consumer, events, { position: row, failures: row.failures }, () => this.stopped);
      this.pause(consumer, error, away);
      await client.query('update event_consumers set tx = $2, seq = $3, failures = $4, last_error = $5, updated_at = now() where name = $1', [
        consumer.name,
        position.tx,
        position.seq,
        failures,
        error === undefined ? null : errorText(error),
      ]);
      this.lastRound = performance.now();
      return error === undefined && (unfinished || events.length === BATCH);
    });
  }

  /** Leaves facts to the turns of their tenants: in the transaction of the position, so that none is passed and not left. */
  private async leave(client: pg.PoolClient, { name }: Consumer, concern: Concern, from: Position, events: readonly LoggedEvent[]): Promise<Progress> {
    const untils = new Map<string, Position>();
    for (const event of events) if (await concern(event.tenant_id, event.name)) untils.set(event.tenant_id, event.position);
    if (untils.size > 0) await this.turns.leave(client, name, from, untils);
    return { position: events.at(-1)?.position ?? from, failures: 0, unfinished: false };
  }

  /** Sets when the consumer tries again. */
  private pause(consumer: Consumer, error: unknown, away = false): void {
    const delay = error === undefined ? 0 : away ? Math.min(RETRY_MS * 2 ** consumer.away, LONGEST_RETRY_MS) : RETRY_MS;
    consumer.away = away ? consumer.away + 1 : 0;
    consumer.notBefore = delay === 0 ? 0 : performance.now() + delay;
  }
}
