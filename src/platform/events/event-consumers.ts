import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EventType, StoredEvent } from '../../core/event.js';
import { Config } from '../config/config.js';
import { RequestContext } from '../context/request-context.js';
import { SystemDatabase } from '../database/system-database.js';
import { EventLog, type LoggedEvent, type Position } from './event-log.js';
import { EventSignal } from './event-signal.js';

const BATCH = 200;
const POLL_MS = 500;
/** An event that a consumer fails on so often becomes a dead letter, and the consumer goes on. */
const MOST_FAILURES = 10;
const RETRY_MS = 300;
const UNHEALTHY_MS = 60_000;

interface Consumer {
  name: string;
  handlers: Map<string, Handler>;
}

/** Handles facts of one kind and tenant, in their order: one at a time, or all of a batch that stand together. */
interface Handler {
  many: boolean;
  handle: (events: readonly StoredEvent[]) => Promise<void>;
}

interface ConsumerRow {
  tx: string;
  seq: string;
  failures: number;
}

/**
 * Follows the event log for every registered consumer: in order, in batches, by one process at a time (the consumer's
 * row is locked while its batch runs), from its own stored position. A handler runs in the tenant of its event and must
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

  private register(consumer: string, event: string, handler: Handler): void {
    const entry = this.consumers.get(consumer) ?? { name: consumer, handlers: new Map<string, Handler>() };
    entry.handlers.set(event, handler);
    this.consumers.set(consumer, entry);
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
        if (this.again) {
          this.again = false;
          this.wake();
        }
      });
  }

  private async round(): Promise<void> {
    for (const consumer of this.consumers.values()) {
      while (!this.stopped && (await this.batch(consumer)));
    }
    this.lastRound = performance.now();
  }

  /** @returns whether there may be more */
  private async batch(consumer: Consumer): Promise<boolean> {
    return this.database.transaction(async (client) => {
      const { rows } = await client.query<ConsumerRow>('select tx::text, seq::text, failures from event_consumers where name = $1 for update skip locked', [consumer.name]);
      const row = rows[0];
      if (!row) return false;
      const events = await this.log.after(row, BATCH);
      if (events.length === 0) return false;
      let position: Position = row;
      let failure: unknown;
      for (const group of this.grouped(consumer, events)) {
        failure = await this.deliver(consumer, group, row.failures);
        if (failure !== undefined) break;
        position = group.at(-1)?.position ?? position;
      }
      await client.query('update event_consumers set tx = $2, seq = $3, failures = $4, last_error = $5, updated_at = now() where name = $1', [
        consumer.name,
        position.tx,
        position.seq,
        failure === undefined ? 0 : position === row ? row.failures + 1 : 1,
        failure === undefined ? null : failure instanceof Error ? String(failure) : JSON.stringify(failure),
      ]);
      if (failure !== undefined) setTimeout(() => this.wake(), RETRY_MS);
      return failure === undefined && events.length === BATCH;
    });
  }

  /** Neighbours of one kind and tenant together, where the handler takes many; facts that nobody handles with any. */
  private grouped(consumer: Consumer, events: readonly LoggedEvent[]): LoggedEvent[][] {
    const groups: LoggedEvent[][] = [];
    for (const event of events) {
      const last = groups.at(-1);
      const first = last?.[0];
      const handler = consumer.handlers.get(event.name);
      const together = first && first.name === event.name && first.tenant_id === event.tenant_id && (handler === undefined || handler.many);
      if (together) last.push(event);
      else groups.push([event]);
    }
    return groups;
  }

  /** @returns what went wrong, when the events are to be tried again */
  private async deliver(consumer: Consumer, events: readonly LoggedEvent[], failures: number): Promise<unknown> {
    const [first] = events;
    const handler = first && consumer.handlers.get(first.name);
    if (!first || !handler) return undefined;
    try {
      await this.context.runAsSystem(first.tenant_id, consumer.name, () => handler.handle(events), first.request_id ?? undefined);
      return undefined;
    } catch (error) {
      this.logger.error({ err: error, event: first.id, consumer: consumer.name }, 'A consumer failed on an event.');
      if (failures + 1 < MOST_FAILURES) return error;
      for (const event of events) await this.bury(consumer, event, error);
      return undefined;
    }
  }

  private async bury(consumer: Consumer, event: LoggedEvent, error: unknown): Promise<void> {
    await this.database.query(
      'insert into event_dead_letters (consumer, event_id, tenant_id, name, data, error) values ($1, $2, $3, $4, $5, $6) on conflict do nothing',
      [consumer.name, event.id, event.tenant_id, event.name, JSON.stringify(event.data), String(error)],
    );
  }
}
