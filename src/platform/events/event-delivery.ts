import { Injectable, Logger } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { RequestContext } from '../context/request-context.js';
import { databaseProblem } from '../database/database-problem.js';
import { SystemDatabase } from '../database/system-database.js';
import type { LoggedEvent, Position } from './event-log.js';

/** An event that a consumer fails on so often becomes a dead letter, and the consumer goes on. */
const MOST_FAILURES = 10;
/** What takes longer stores what is done: after a crash no more than that is delivered again. */
const LONGEST_MS = 5_000;
const LONGEST_ERROR = 2_000;

/** Handles facts of one kind and tenant, in their order: one at a time, or all that stand together. */
export interface Handler {
  many: boolean;
  handle: (events: readonly LoggedEvent[]) => Promise<void>;
}

/** Who hears of facts. */
export interface Receiver {
  name: string;
  handlers: ReadonlyMap<string, Handler>;
  /** Of facts that no handler is named for. */
  ofAll?: Handler;
  /** So many facts at once and no more; left out, all that stand together. */
  most?: number;
}

/** How far a receiver has come. */
export interface Progress {
  position: Position;
  /** Of the first fact after the position. */
  failures: number;
  /** Why the fact after the position was not handled. */
  error?: unknown;
  /** The database was away, which is no fault of the fact. */
  away?: boolean;
  /** Not all were looked at: the time was up. */
  unfinished: boolean;
}

/** Hands facts to who handles them, and says how far that went. One that fails again and again is put aside. */
@Injectable()
export class EventDelivery {
  private readonly logger = new Logger(EventDelivery.name);

  constructor(
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
  ) {}

  /** Delivers facts in order until one fails, the time is up, or `stopped` says so. */
  async deliver(receiver: Receiver, events: readonly LoggedEvent[], from: Pick<Progress, 'position' | 'failures'>, stopped: () => boolean): Promise<Progress> {
    const deadline = performance.now() + LONGEST_MS;
    const queue = grouped(receiver, events);
    let { position, failures } = from;
    for (let group = queue.shift(); group; group = queue.shift()) {
      if (stopped() || performance.now() > deadline) return { position, failures, unfinished: true };
      const error = await this.handOver(receiver, group);
      if (error !== undefined) {
        if (isAway(error)) return { position, failures, error, away: true, unfinished: true };
        if (group.length > 1) {
          // One of them cannot be handled, and the others must not share its fate.
          queue.unshift(...group.map((event) => [event]));
          continue;
        }
        failures += 1;
        if (failures < MOST_FAILURES) return { position, failures, error, unfinished: true };
        for (const event of group) await this.bury(receiver, event, error);
      }
      failures = 0;
      position = group.at(-1)?.position ?? position;
    }
    return { position, failures, unfinished: false };
  }

  /** @returns what went wrong */
  private async handOver(receiver: Receiver, events: readonly LoggedEvent[]): Promise<unknown> {
    const [first] = events;
    const handler = first && handlerOf(receiver, first);
    if (!first || !handler) return undefined;
    try {
      await this.context.runAsSystem(first.tenant_id, receiver.name, () => handler.handle(events), first.request_id ?? undefined);
      return undefined;
    } catch (error) {
      this.logger.error({ err: error, event: first.id, events: events.length, consumer: receiver.name }, 'A consumer failed on an event.');
      return error ?? new Error('Nothing was thrown.');
    }
  }

  /** Keeps a fact that could not be handled; with its tenant it is gone. */
  private async bury(receiver: Receiver, event: LoggedEvent, error: unknown): Promise<void> {
    await this.database.query(
      `insert into event_dead_letters (consumer, event_id, tenant_id, name, data, error)
       select $1, $2, id, $4, $5, $6 from tenants where id = $3 on conflict do nothing`,
      [receiver.name, event.id, event.tenant_id, event.name, JSON.stringify(event.data), errorText(error)],
    );
    this.logger.error({ event: event.id, name: event.name, consumer: receiver.name }, 'A consumer gave up on an event; it is kept in event_dead_letters.');
  }
}

const handlerOf = (receiver: Receiver, { name }: LoggedEvent): Handler | undefined => receiver.handlers.get(name) ?? receiver.ofAll;

/** Neighbours of one kind and tenant together, where the handler takes many; facts that nobody handles with any. */
function grouped(receiver: Receiver, events: readonly LoggedEvent[]): LoggedEvent[][] {
  const groups: LoggedEvent[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    const first = last?.[0];
    const handler = handlerOf(receiver, event);
    const together = first && first.tenant_id === event.tenant_id && handlerOf(receiver, first) === handler && (first.name === event.name || handler === receiver.ofAll) && (handler === undefined || handler.many);
    if (together && last.length < (receiver.most ?? Infinity)) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

/** PostgreSQL holds no NUL characters, and an error without end helps nobody. */
export function errorText(error: unknown): string {
  return String(error).replaceAll('\0', '').slice(0, LONGEST_ERROR);
}

export function isAway(error: unknown): boolean {
  return (error instanceof Problem ? error : databaseProblem(error))?.status === 503;
}
