import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EventType, StoredEvent } from '../../core/event.js';
import { Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { RequestContext } from '../context/request-context.js';
import { databaseProblem } from '../database/database-problem.js';
import { SystemDatabase } from '../database/system-database.js';
import { EventLog, type LoggedEvent, type Position } from './event-log.js';
import { EventSignal } from './event-signal.js';

const BATCH = 200;
const POLL_MS = 500;
const PAUSE_MS = 40;
/** An event that a consumer fails on so often becomes a dead letter, and the consumer goes on. */
const MOST_FAILURES = 10;
const RETRY_MS = 300;
/** While the database is away the pauses double, up to this. */
const LONGEST_RETRY_MS = 15_000;
const UNHEALTHY_MS = 60_000;
/** A batch that takes longer stores what is done: after a crash no more than that is delivered again. */
const BATCH_MS = 5_000;
/** First key of the advisory locks of consumers; the second is the hash of the name. */
const CONSUMER_LOCK = 0x65766e74;
const LONGEST_ERROR = 2_000;

interface Consumer {
  name: string;
  handlers: Map<string, Handler>;
  /** Of facts that no handler is named for. */
  ofAll?: Handler;
  /** Tries in a row that found the database away. */
  away: number;
  /** No try before this, whatever wakes the process. */
  notBefore: number;
}

/** Handles facts of one kind and tenant, in their order: one at a time, or all of a batch that stand together. */
interface Handler {
  many: boolean;
  handle: (events: readonly LoggedEvent[]) => Promise<void>;
}

interface ConsumerRow {
  tx: string;
  seq: string;
  /** Of the first fact after the position. */
  failures: number;
}

/** Where a consumer stands after a batch. */
interface Progress {
  position: Position;
  failures: number;
  /** Why the fact after the position was not handled. */
  error?: unknown;
  /** There may be more to do at once. */
  more: boolean;
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
    private readonly context: RequestContext,
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

  /** Whether a round has ended lately: a follower that hangs is no reason to restart the database, but one to look. */
  get healthy(): boolean {
    return performance.now() - this.lastRound < UNHEALTHY_MS;
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
    for (const consumer of this.consumers.values()) {
      while (!this.stopped && (await this.batch(consumer)));
    }
    this.lastRound = performance.now();
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
      if (events.length === 0) return false;
      const { position, failures, error, more } = await this.work(consumer, events, row);
      await client.query('update event_consumers set tx = $2, seq = $3, failures = $4, last_error = $5, updated_at = now() where name = $1', [
        consumer.name,
        position.tx,
        position.seq,
        failures,
        error === undefined ? null : textOf(error),
      ]);
      this.lastRound = performance.now();
      return more;
    });
  }

  /** Delivers facts in order until one fails or the time is up. */
  private async work(consumer: Consumer, events: readonly LoggedEvent[], row: ConsumerRow): Promise<Progress> {
    const deadline = performance.now() + BATCH_MS;
    const queue = this.grouped(consumer, events);
    let position: Position = row;
    let { failures } = row;
    for (let group = queue.shift(); group; group = queue.shift()) {
      if (this.stopped || performance.now() > deadline) return { position, failures, more: true };
      const error = await this.deliver(consumer, group);
      if (error !== undefined) {
        if (this.pause(consumer, error)) return { position, failures, error, more: false };
        if (group.length > 1) {
          // One of them cannot be handled, and the others must not share its fate.
          queue.unshift(...group.map((event) => [event]));
          continue;
        }
        failures += 1;
        if (failures < MOST_FAILURES) return { position, failures, error, more: false };
        for (const event of group) await this.bury(consumer, event, error);
      }
      consumer.away = 0;
      consumer.notBefore = 0;
      failures = 0;
      position = group.at(-1)?.position ?? position;
    }
    return { position, failures, more: events.length === BATCH };
  }

  /** Sets when the consumer tries again. @returns whether the database is away, which is no fault of the fact */
  private pause(consumer: Consumer, error: unknown): boolean {
    const away = isAway(error);
    const delay = away ? Math.min(RETRY_MS * 2 ** consumer.away, LONGEST_RETRY_MS) : RETRY_MS;
    consumer.away = away ? consumer.away + 1 : 0;
    consumer.notBefore = performance.now() + delay;
    return away;
  }

  /** Neighbours of one kind and tenant together, where the handler takes many; facts that nobody handles with any. */
  private grouped(consumer: Consumer, events: readonly LoggedEvent[]): LoggedEvent[][] {
    const groups: LoggedEvent[][] = [];
    for (const event of events) {
      const last = groups.at(-1);
      const first = last?.[0];
      const handler = handlerOf(consumer, event);
      const together = first && first.tenant_id === event.tenant_id && handlerOf(consumer, first) === handler && (first.name === event.name || handler === consumer.ofAll) && (handler === undefined || handler.many);
      if (together) last.push(event);
      else groups.push([event]);
    }
    return groups;
  }

  /** @returns what went wrong */
  private async deliver(consumer: Consumer, events: readonly LoggedEvent[]): Promise<unknown> {
    const [first] = events;
    const handler = first && handlerOf(consumer, first);
    if (!first || !handler) return undefined;
    try {
      await this.context.runAsSystem(first.tenant_id, consumer.name, () => handler.handle(events), first.request_id ?? undefined);
      return undefined;
    } catch (error) {
      this.logger.error({ err: error, event: first.id, events: events.length, consumer: consumer.name }, 'A consumer failed on an event.');
      return error ?? new Error('Nothing was thrown.');
    }
  }

  /** Keeps a fact that could not be handled; with its tenant it is gone. */
  private async bury(consumer: Consumer, event: LoggedEvent, error: unknown): Promise<void> {
    await this.database.query(
      `insert into event_dead_letters (consumer, event_id, tenant_id, name, data, error)
       select $1, $2, id, $4, $5, $6 from tenants where id = $3 on conflict do nothing`,
      [consumer.name, event.id, event.tenant_id, event.name, JSON.stringify(event.data), textOf(error)],
    );
    this.logger.error({ event: event.id, name: event.name, consumer: consumer.name }, 'A consumer gave up on an event; it is kept in event_dead_letters.');
  }
}

const handlerOf = (consumer: Consumer, { name }: LoggedEvent): Handler | undefined => consumer.handlers.get(name) ?? consumer.ofAll;

/** PostgreSQL holds no NUL characters, and an error without end helps nobody. */
function textOf(error: unknown): string {
  return String(error).replaceAll('\0', '').slice(0, LONGEST_ERROR);
}

function isAway(error: unknown): boolean {
  return (error instanceof Problem ? error : databaseProblem(error))?.status === 503;
}
