import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import { Config } from '../config/config.js';
import { SystemDatabase } from '../database/system-database.js';
import { errorText, EventDelivery, type Receiver } from './event-delivery.js';
import { EventLog, isAfter, type Position } from './event-log.js';

/** First key of the advisory locks of consumers; the second is the hash of the name. */
export const CONSUMER_LOCK = 0x65766e74;
const POLL_MS = 1_000;
const RETRY_SECONDS = 0.3;
/** Facts of one turn. */
const BATCH = 100;
/** Tenants of a consumer that are served side by side: one whose turn takes long is not all that goes on. */
const LANES = 2;

/** Whether facts of a name mean anything to a tenant. Asked for every fact: answer from memory. */
export type Concern = (tenantId: string, name: string) => Promise<boolean>;

/** What a tenant's next turn is about. */
interface BacklogRow extends Position {
  until_tx: string;
  until_seq: string;
  failures: number;
}

interface Follower {
  receiver: Receiver;
  lanes: Set<Promise<void>>;
  /** Something was left to it since the last time it was woken. */
  left: boolean;
  /** It was woken while all lanes were open: something may have come after one looked for the last time. */
  again: boolean;
  /** Tenants that this process serves now, and since when. */
  busy: Map<string, number>;
}

const LEAVE = `insert into event_backlogs (consumer, tenant_id, tx, seq, until_tx, until_seq)
  select $1, t.id, $2, $3, w.tx, w.seq from unnest($4::uuid[], $5::bigint[], $6::bigint[]) as w (tenant_id, tx, seq) join tenants t on t.id = w.tenant_id order by t.id
  on conflict (consumer, tenant_id) do update set until_tx = excluded.until_tx, until_seq = excluded.until_seq
  where (event_backlogs.until_tx, event_backlogs.until_seq) < (excluded.until_tx, excluded.until_seq)`;
const NEXT = `select tenant_id from event_backlogs where consumer = $1 and tenant_id <> all($2::uuid[]) and due_at <= clock_timestamp() order by served_at limit 1`;
const ROW = `select tx::text, seq::text, until_tx::text, until_seq::text, failures from event_backlogs where consumer = $1 and tenant_id = $2 and due_at <= clock_timestamp()`;
/** Unless more was left meanwhile. */
const DONE = `delete from event_backlogs where consumer = $1 and tenant_id = $2 and (until_tx, until_seq) <= ($3::bigint, $4::bigint)`;
const GO_ON = `update event_backlogs set tx = $3, seq = $4, failures = $5, last_error = $6, served_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => $7)
  where consumer = $1 and tenant_id = $2`;

/**
 * Facts that wait for turns of their tenants: for each tenant how far a consumer has come and how far it has to. Who has waited for longest
 * is next, for so many facts and no more. By one process at a time for each tenant, under an advisory lock, so that its facts
 * come in their order; a process that dies lets go of it. What was handled and not stored is delivered again.
 */
@Injectable()
export class EventTurns implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(EventTurns.name);
  private readonly followers: Follower[] = [];
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
    private readonly log: EventLog,
    private readonly delivery: EventDelivery,
  ) {}

  register(receiver: Receiver): void {
    this.followers.push({ receiver, lanes: new Set(), left: false, again: false, busy: new Map() });
  }

  onApplicationBootstrap(): void {
    if (!this.config.runsJobs) return;
    this.timer = setInterval(() => this.wake(), POLL_MS);
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await Promise.all(this.followers.flatMap(({ lanes }) => [...lanes]));
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Leaves facts after `from` up to a place to the turns of tenants, in a transaction that is to commit soon. */
  async leave(client: pg.PoolClient, consumer: string, from: Position, untils: ReadonlyMap<string, Position>): Promise<void> {
    const places = [...untils.values()];
    for (const follower of this.followers) if (follower.receiver.name === consumer) follower.left = true;
    await client.query(LEAVE, [consumer, from.tx, from.seq, [...untils.keys()], places.map(({ tx }) => tx), places.map(({ seq }) => seq)]);
  }

  /** How long the longest of the turns has lasted that this process is at. */
  get longestMs(): number {
    const begun = this.followers.flatMap(({ busy }) => [...busy.values()]);
    return begun.length === 0 ? 0 : performance.now() - Math.min(...begun);
  }

  /** Looks whether something waits. */
  wake(): void {
    for (const follower of this.followers) this.wakeOne(follower);
  }

  /** Looks at once when something was left to a consumer's turns. */
  wakeIfLeft(consumer: string): void {
    for (const follower of this.followers) if (follower.receiver.name === consumer && follower.left) this.wakeOne(follower);
  }

  private wakeOne(follower: Follower): void {
    follower.left = false;
    if (follower.lanes.size < LANES) this.open(follower);
    else follower.again = true;
  }

  private open(follower: Follower): void {
    if (this.stopped) return;
    const lane: Promise<void> = this.lane(follower)
      .catch((error: unknown) => this.logger.error({ err: error, consumer: follower.receiver.name }, 'A turn of a tenant failed; it is tried again.'))
      .finally(() => {
        follower.lanes.delete(lane);
        if (!follower.again) return;
        follower.again = false;
        this.open(follower);
      });
    follower.lanes.add(lane);
  }

  /** One turn after the other while somebody waits. */
  private async lane(follower: Follower): Promise<void> {
    /** Served by other processes. */
    const elsewhere: string[] = [];
    while (!this.stopped) {
      const [next] = await this.database.query<{ tenant_id: string }>(NEXT, [follower.receiver.name, [...follower.busy.keys(), ...elsewhere]]);
      if (!next) return;
      // The other lane may have found the same one.
      if (follower.busy.has(next.tenant_id)) continue;
      follower.busy.set(next.tenant_id, performance.now());
      // Somebody else may wait as well.
      if (follower.lanes.size < LANES) this.open(follower);
      try {
        if (!(await this.turn(follower.receiver, next.tenant_id))) elsewhere.push(next.tenant_id);
      } finally {
        follower.busy.delete(next.tenant_id);
      }
    }
  }

  /**
   * The transaction that holds the lock writes nothing before its end: the log ends for every reader where the oldest transaction began that writes.
   * @returns whether it was this process's to do
   */
  private async turn(receiver: Receiver, tenantId: string): Promise<boolean> {
    return this.database.transaction(async (client) => {
      const { rows: lock } = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1, hashtext($2)) as got', [CONSUMER_LOCK, `${receiver.name}/${tenantId}`]);
      if (!lock[0]?.got) return false;
      // A statement of its own, so that it sees what the holder before has stored.
      const { rows } = await client.query<BacklogRow>(ROW, [receiver.name, tenantId]);
      const row = rows[0];
      if (!row) return true;
      const events = await this.log.ofTenantAfter(tenantId, row, BATCH, undefined, client);
      const { position: last, failures, error, unfinished } = await this.delivery.deliver(receiver, events, { position: row, failures: row.failures }, () => this.stopped);
      // Where no more were found, there are none up to the end, though what was to be the last may have been removed.
      const end: Position = { tx: row.until_tx, seq: row.until_seq };
      const position = !unfinished && events.length < BATCH && isAfter(end, last) ? end : last;
      const { rowCount } = await client.query(DONE, [receiver.name, tenantId, position.tx, position.seq]);
      if (rowCount === 0) {
        await client.query(GO_ON, [receiver.name, tenantId, position.tx, position.seq, failures, error === undefined ? null : errorText(error), error === undefined ? 0 : RETRY_SECONDS]);
      }
      return true;
    });
  }
}
