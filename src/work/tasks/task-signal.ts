import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DatabaseListener } from '../../platform/database/listener.js';

const CHANNEL = 'wheelhouse_tasks';
const AT_MOST_EVERY_MS = 2;
/** NOTIFY takes payloads below 8,000 bytes; beyond this many lanes one message wakes everyone. */
const MOST_LANES = 100;

type LaneHandler = (tenantId: string, laneId: string | undefined, count: number) => void;

/**
 * Tells every process that tasks became ready, by tenant and lane. At once inside this process; to the others by a
 * notification at most every 2 ms. A hint: who waits also polls.
 */
@Injectable()
export class TaskSignal {
  private readonly sender = randomUUID();
  private readonly handlers: LaneHandler[] = [];
  private pending = new Map<string, Map<string, number>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly listener: DatabaseListener) {
    listener.on(CHANNEL, (payload) => this.received(payload));
  }

  onReady(handler: LaneHandler): void {
    this.handlers.push(handler);
  }

  /** Call after the commit that made the tasks ready. */
  ready(tenantId: string, laneId: string, count = 1): void {
    this.handlers.forEach((handler) => handler(tenantId, laneId, count));
    const lanes = this.pending.get(tenantId) ?? new Map<string, number>();
    lanes.set(laneId, (lanes.get(laneId) ?? 0) + count);
    this.pending.set(tenantId, lanes);
    this.timer ??= setTimeout(() => this.send(), AT_MOST_EVERY_MS);
  }

  /** Something else changed than tasks (an agent was resumed, joined a board): every waiting claim of the tenant looks again. */
  changed(tenantId: string): void {
    this.handlers.forEach((handler) => handler(tenantId, undefined, Number.MAX_SAFE_INTEGER));
    this.listener.notify(CHANNEL, JSON.stringify({ from: this.sender, tenant: tenantId, lanes: [] }));
  }

  private send(): void {
    this.timer = undefined;
    const pending = this.pending;
    this.pending = new Map();
    for (const [tenantId, lanes] of pending) {
      const list = lanes.size > MOST_LANES ? [] : [...lanes];
      this.listener.notify(CHANNEL, JSON.stringify({ from: this.sender, tenant: tenantId, lanes: list }));
    }
  }

  private received(payload: string): void {
    const { from, tenant, lanes } = JSON.parse(payload) as { from: string; tenant: string; lanes: [string, number][] };
    if (from === this.sender) return;
    if (lanes.length === 0) this.handlers.forEach((handler) => handler(tenant, undefined, Number.MAX_SAFE_INTEGER));
    for (const [lane, count] of lanes) this.handlers.forEach((handler) => handler(tenant, lane, count));
  }
}
