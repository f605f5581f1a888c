import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { CLAIM, COUNT, END, LEAVE, LOAD, LOCK_LANES, PROMOTE, RELEASE, RENEW, SILENT } from './delivery-statements.js';
import type { Attempt, DeliveryStatus } from './webhook-delivery.entity.js';

export interface LaneKey {
  tenant_id: string;
  id: string;
}

/** A lane that this process works on. */
export interface Lane extends LaneKey {
  webhook_id: string | null;
  /** In a row. */
  failures: number;
  /** How many may be under way at once. */
  room: number;
  /** For how long it is to be left alone. */
  restMs?: number;
}

/** What is to be sent, and where. */
export interface DueDelivery {
  tenant_id: string;
  id: string;
  lane: string;
  webhook_id: string | null;
  key: string;
  type: string;
  order_key: string | null;
  data: Record<string, unknown>;
  occurred_at: Date;
  tries: number;
  max_tries: number;
  attempt_count: number;
  request_id: string | null;
  url: string;
  own_secret: Buffer | null;
  secret: Buffer | null;
  secret_version: number | null;
  previous_secret: Buffer | null;
  timeout_seconds: number;
}

/** How a try ended. */
export interface Ending {
  delivery: DueDelivery;
  status: DeliveryStatus;
  /** Left out for one that was put off without a try. */
  attempt?: Attempt;
  /** Until the next try. */
  pauseMs: number;
  waitingFor?: string;
  /** Whether the lane has failures that a success ends. */
  laneFails: boolean;
}

/** A lane of which something failed. */
export interface CountedLane extends LaneKey {
  webhook_id: string | null;
  failures: number;
  too_long: boolean | null;
}

/** Lanes and what waits in them, for the senders of all processes: past the tenants, by rows' own ids. */
@Injectable()
export class WebhookLanesRepository {
  constructor(private readonly database: SystemDatabase) {}

  /** @param others whether also lanes that it does not have, of what tenants not, and how many of one */
  claim(holder: string, most: number, { others, enoughOf, mostOfTenant }: { others: boolean; enoughOf: readonly string[]; mostOfTenant: number }): Promise<Lane[]> {
    return this.database.query<Lane>(CLAIM, [holder, most, others, enoughOf, mostOfTenant]);
  }

  /** Processes that hold lanes, and have not said for a while that they live. */
  async silent(): Promise<string[]> {
    return (await this.database.query<{ id: string }>(SILENT)).map(({ id }) => id);
  }

  /** Leaves the lanes of these processes to others. */
  async leave(holders: readonly string[]): Promise<void> {
    await this.database.execute(LEAVE, [holders]);
  }

  /** @returns those that are still held */
  renew(holder: string, lanes: readonly LaneKey[]): Promise<LaneKey[]> {
    return this.database.query<LaneKey>(RENEW, [holder, ...columns(lanes)]);
  }

  async release(holder: string, lanes: readonly Lane[]): Promise<void> {
    if (lanes.length === 0) return;
    await this.database.transaction(async (client) => {
      await client.query(LOCK_LANES, columns(lanes));
      await client.query(RELEASE, [...columns(lanes), holder, lanes.map(({ restMs = 0 }) => restMs / 1000)]);
    });
  }

  due({ tenant_id, id }: LaneKey, underWay: readonly string[], most: number): Promise<DueDelivery[]> {
    return this.database.query<DueDelivery>(LOAD, [tenant_id, id, underWay, most]);
  }

  /** All of a batch in one transaction. @returns how the lanes stand in which something failed, or which had failed before */
  end(endings: readonly Ending[]): Promise<CountedLane[]> {
    const ordered = endings.filter(({ delivery, status }) => delivery.order_key !== null && status !== 'pending');
    const counts = countsOf(endings);
    if (ordered.length === 0 && counts.length === 0) return this.database.execute(END, valuesOf(endings)).then(() => []);
    return this.database.transaction(async (client) => {
      const lanes = [...ordered.map(({ delivery }) => ({ tenant_id: delivery.tenant_id, id: delivery.lane })), ...counts];
      await client.query(LOCK_LANES, columns(lanes));
      await client.query(END, valuesOf(endings));
      if (ordered.length > 0) await client.query(PROMOTE, orderColumns(ordered));
      return counts.length === 0 ? [] : this.count(client, counts);
    });
  }

  private async count(client: PoolClient, counts: readonly LaneCount[]): Promise<CountedLane[]> {
    const { rows } = await client.query<CountedLane>(COUNT, [...columns(counts), counts.map(({ taken }) => taken), counts.map(({ failed }) => failed)]);
    return rows;
  }
}

interface LaneCount extends LaneKey {
  taken: boolean;
  failed: number;
}

const columns = (lanes: readonly LaneKey[]): [string[], string[]] => [lanes.map(({ tenant_id }) => tenant_id), lanes.map(({ id }) => id)];

function orderColumns(endings: readonly Ending[]): [string[], string[], string[]] {
  const keys = new Map(endings.map(({ delivery }) => [JSON.stringify([delivery.tenant_id, delivery.lane, delivery.order_key]), delivery]));
  const each = [...keys.values()];
  return [each.map(({ tenant_id }) => tenant_id), each.map(({ lane }) => lane), each.map(({ order_key }) => order_key ?? '')];
}

/** Lanes whose count changes: what is taken where nothing had failed changes none. */
function countsOf(endings: readonly Ending[]): LaneCount[] {
  const tried = endings.filter(({ attempt }) => attempt !== undefined);
  const groups = Map.groupBy(tried, ({ delivery }) => JSON.stringify([delivery.tenant_id, delivery.lane]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const failed = group.filter(({ status }) => status !== 'delivered').length;
    const counts = first && (failed > 0 || group.some(({ laneFails }) => laneFails));
    return counts ? [{ tenant_id: first.delivery.tenant_id, id: first.delivery.lane, taken: failed < group.length, failed }] : [];
  });
}

function valuesOf(endings: readonly Ending[]): unknown[] {
  return [
    endings.map(({ delivery }) => delivery.tenant_id),
    endings.map(({ delivery }) => delivery.id),
    endings.map(({ delivery }) => delivery.tries),
    endings.map(({ status }) => status),
    endings.map(({ attempt }) => (attempt ? 1 : 0)),
    endings.map(({ attempt }) => (attempt ? JSON.stringify(attempt) : null)),
    endings.map(({ pauseMs }) => pauseMs / 1000),
    endings.map(({ waitingFor }) => waitingFor ?? null),
  ];
}
