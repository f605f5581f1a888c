import { Injectable } from '@nestjs/common';
import { TaskSignal } from './task-signal.js';

/** Even without a signal a waiting claim looks again so often: the guarantee behind the hint. */
const LOOK_AGAIN_MS = 1_000;
/** More are woken than there are tasks: some of them will find that another was faster. */
const EXTRA = 4;

interface WaitOptions {
  lanes: readonly string[];
  /** The agent is paused or holds all that it may: no new task can be for it until that changes. */
  blocked: boolean;
  milliseconds: number;
  aborted: AbortSignal;
}

/** The right to be woken, taken before looking, so that what becomes ready while one looks is not missed. */
export interface Ticket {
  /** Resolves when something may have changed for this agent, when it is time to look again, or when the time is over. */
  wait(options: WaitOptions): Promise<void>;
  /** Gives the right up. */
  close(): void;
}

class Waiter implements Ticket {
  private woken = false;
  private resolve: (() => void) | undefined;
  private lanes: ReadonlySet<string> | undefined;
  private newestLane = 0n;
  private blocked = false;

  constructor(
    readonly agentId: string,
    readonly close: () => void,
  ) {}

  /**
   * Whether a task in this lane may be for this agent: a lane newer than all it knows was made after it looked. Without a
   * lane it is the agents that changed, and everyone looks again.
   */
  mayServe(laneId: string | undefined): boolean {
    if (this.woken) return false;
    if (laneId === undefined) return true;
    return !this.blocked && (!this.lanes || this.lanes.has(laneId) || BigInt(laneId) > this.newestLane);
  }

  wake(): void {
    this.woken = true;
    this.resolve?.();
  }

  wait(options: WaitOptions): Promise<void> {
    if (this.woken || options.aborted.aborted) return Promise.resolve();
    this.lanes = new Set(options.lanes);
    this.newestLane = options.lanes.reduce((newest, lane) => (BigInt(lane) > newest ? BigInt(lane) : newest), 0n);
    this.blocked = options.blocked;
    return new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        options.aborted.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(options.milliseconds, LOOK_AGAIN_MS));
      options.aborted.addEventListener('abort', end);
      this.resolve = end;
    });
  }
}

/** Claims that wait for a task, by tenant, in the order of their coming. */
@Injectable()
export class TaskWaiters {
  private readonly waiting = new Map<string, Set<Waiter>>();

  constructor(signal: TaskSignal) {
    signal.onReady((tenantId, laneId, count) => this.wake(tenantId, laneId, count));
  }

  ticket(tenantId: string, agentId: string): Ticket {
    const tenant = this.waiting.get(tenantId) ?? new Set<Waiter>();
    const waiter = new Waiter(agentId, () => {
      tenant.delete(waiter);
      if (tenant.size === 0 && this.waiting.get(tenantId) === tenant) this.waiting.delete(tenantId);
    });
    this.waiting.set(tenantId, tenant.add(waiter));
    return waiter;
  }

  /** The agent holds less than before: claims of its own that wait may have more now. */
  freed(tenantId: string, agentId: string): void {
    for (const waiter of this.waiting.get(tenantId) ?? []) if (waiter.agentId === agentId) waiter.wake();
  }

  /** Something else changed than tasks, in this process: every waiting claim of the tenant looks again. */
  changed(tenantId: string): void {
    this.wake(tenantId, undefined, Number.MAX_SAFE_INTEGER);
  }

  wakeAll(): void {
    for (const tenant of this.waiting.values()) for (const waiter of tenant) waiter.wake();
  }

  private wake(tenantId: string, laneId: string | undefined, count: number): void {
    let left = count + EXTRA;
    for (const waiter of this.waiting.get(tenantId) ?? []) {
      if (!waiter.mayServe(laneId)) continue;
      waiter.wake();
      left -= 1;
      if (left <= 0) return;
    }
  }
}
