import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { EventLog, isAfter, type LoggedEvent, type Position } from './event-log.js';
import { EventSignal } from './event-signal.js';

const BATCH = 500;
/** The signal is a hint, and an event may stand behind an older transaction that ends without one. */
const POLL_MS = 200;

/** One subscriber in this process: a stream or a socket. */
export interface Follower {
  /** Facts of this tenant alone. */
  tenantId: string;
  /** The facts that are wanted, by name; left out, all of them. */
  names?: readonly string[];
  /** Facts after this place are replayed first; left out, only what is published from now on. */
  after?: Position;
  /** Called once, before any fact: everything after this place will arrive. A client that leaves again may resume from it. */
  onStart?: (place: Position) => void;
  /** Called with each fact in order. Must not block: a slow subscriber drops itself. */
  onEvent: (event: LoggedEvent) => void;
  /**
   * Awaited between replayed facts, so that a long replay goes at the pace of its reader. Answers whether the subscriber is
   * still there: nothing is read for one who has left.
   */
  ready?: () => Promise<boolean>;
}

interface Member extends Follower {
  /** Holds what is published while the replay still runs. */
  waiting: LoggedEvent[] | undefined;
  /** Where the replay ended: this process may read the log up to there only later. */
  replayedTo?: Position;
}

/**
 * Follows the event log once per process, from "now", and hands each fact to the subscribers of its tenant. Nothing is
 * stored: streams and sockets see what happens while they are open. It reads the log only while someone follows.
 */
@Injectable()
export class EventFeed implements OnApplicationShutdown {
  private readonly logger = new Logger(EventFeed.name);
  private readonly members = new Map<string, Set<Member>>();
  private position: Position | undefined;
  private starting: Promise<void> | undefined;
  private reading: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly log: EventLog,
    signal: EventSignal,
  ) {
    signal.onRaised(() => this.wake());
  }

  /**
   * Subscribes. Once the promise resolves, every fact that is committed from then on arrives, each once and in order.
   * @returns ends the subscription
   */
  async follow(follower: Follower): Promise<() => void> {
    // Most of a replay is done before joining, so that little has to be held back meanwhile.
    const from = follower.after && (await this.reached(follower.after));
    if (from) follower.onStart?.(from);
    const caughtUp = from && (await this.replay(follower, from));
    if (from && !caughtUp) return () => undefined;
    const member: Member = { ...follower, waiting: caughtUp && [] };
    const leave = this.join(member);
    try {
      if (!this.position) await this.start();
      // In the same turn in which the place was found: nothing after it has been handed out yet.
      if (!from && this.position) follower.onStart?.(this.position);
      const replayedTo = caughtUp && (await this.replay(follower, caughtUp));
      if (replayedTo) this.release(member, replayedTo);
      else if (caughtUp) leave();
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.members.clear();
    await this.reading;
  }

  private join(member: Member): () => void {
    const group = this.members.get(member.tenantId) ?? new Set();
    this.members.set(member.tenantId, group.add(member));
    return () => {
      group.delete(member);
      if (group.size === 0 && this.members.get(member.tenantId) === group) this.members.delete(member.tenantId);
      if (this.members.size === 0) this.pause();
    };
  }

  /** Hands out what was held back during the replay, which went up to `last`. */
  private release(member: Member, last: Position): void {
    const waiting = member.waiting ?? [];
    member.waiting = undefined;
    member.replayedTo = last;
    for (const event of waiting) this.give(member, event);
  }

  private async start(): Promise<void> {
    if (this.position) return;
    this.starting ??= this.log
      .end()
      .then((position) => {
        if (this.stopped || this.members.size === 0) return;
        this.position = position;
        this.timer ??= setInterval(() => this.wake(), POLL_MS);
      })
      .finally(() => (this.starting = undefined));
    await this.starting;
  }

  /** Nobody is left: the next subscriber starts from its own "now". */
  private pause(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.position = undefined;
  }

  /** A place that this log has not reached is one in the log before a restore: waiting for it would be silence. */
  private async reached(place: Position): Promise<Position | undefined> {
    return isAfter(place, await this.log.end()) ? undefined : place;
  }

  /** @returns how far it went; undefined when the subscriber has left meanwhile */
  private async replay(follower: Follower, after: Position): Promise<Position | undefined> {
    let position = after;
    for (;;) {
      const events = await this.log.ofTenantAfter(follower.tenantId, position, BATCH, follower.names);
      for (const event of events) {
        if (this.stopped || (await follower.ready?.()) === false) return undefined;
        follower.onEvent(event);
        position = event.position;
      }
      if (events.length < BATCH) return position;
    }
  }

  private wake(): void {
    if (this.stopped || !this.position) return;
    if (this.reading) {
      this.again = true;
      return;
    }
    this.reading = this.read()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'Reading the event log failed; it is tried again.'))
      .finally(() => {
        this.reading = undefined;
        if (!this.again) return;
        this.again = false;
        this.wake();
      });
  }

  private async read(): Promise<void> {
    for (;;) {
      const from = this.position;
      if (!from || this.stopped) return;
      const events = await this.log.after(from, BATCH);
      // Everyone left, and perhaps someone new came, while the statement ran.
      if (this.position !== from) continue;
      this.position = events.at(-1)?.position ?? from;
      events.forEach((event) => this.handOut(event));
      if (events.length < BATCH) return;
    }
  }

  private handOut(event: LoggedEvent): void {
    for (const member of [...(this.members.get(event.tenant_id) ?? [])]) {
      if (member.names && !member.names.includes(event.name)) continue;
      if (member.waiting) member.waiting.push(event);
      else this.give(member, event);
    }
  }

  /** Hands over what the replay has not handed over already. */
  private give(member: Member, event: LoggedEvent): void {
    if (member.replayedTo && !isAfter(event.position, member.replayedTo)) return;
    member.replayedTo = undefined;
    member.onEvent(event);
  }
}
