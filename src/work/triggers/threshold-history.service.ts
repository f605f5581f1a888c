import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { EventLoopPace } from '../../core/event-loop-pace.js';
import { isId } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventHistory, type TenantEvent } from '../../platform/events/event-history.js';
import { UsageReader } from '../../safeguards/usage/usage.reader.js';
import { TasksReader } from '../tasks/tasks.reader.js';
import { attemptPoints, type Cost, type Crossing, crossings, type Point, spendPoints } from './threshold-replay.js';
import { COUNTED_EVENTS, type Metric, type ThresholdConfig, unprocessable } from './trigger-config.js';
import type { FiringEvent } from './trigger-firing.entity.js';

/** Why nobody can say what a metric was. */
const NOT_RECORDED: Partial<Record<Metric, string>> = {
  queue_depth: 'How many tasks could be claimed is not recorded: one that waits for its next try comes back without an event.',
  agents_offline: 'How many agents were offline is not recorded: events do not say which of them were active before.',
};
const ENDS = ['task.failed', 'task.completed', 'task.updated'];
const DAY_MS = 86_400_000;
const BATCH = 1_000;
/** Half of what the ledger keeps of a dollar. */
const LEAST_USD = 0.0000005;

/** What can be said of a threshold's past. */
export interface ThresholdPast {
  crossings: FiringEvent[];
  /** From where on everything is known. */
  from: Date;
  /** Events that were looked at. */
  events: number;
  truncated: boolean;
  /** What is missing, and why. */
  notes: string[];
}

interface Known {
  points: Point[];
  from: number;
  events: number;
  truncated: boolean;
  notes: string[];
}

/** Makes what the metrics of thresholds were out of what is recorded, where it is. */
@Injectable()
export class ThresholdHistory {
  constructor(
    private readonly context: RequestContext,
    private readonly events: EventHistory,
    private readonly tasks: TasksReader,
    private readonly usage: UsageReader,
  ) {}

  /** @throws Problem `unprocessable` for a metric whose past is not recorded */
  async crossings(config: ThresholdConfig, from: Date, to: Date, most: number): Promise<ThresholdPast> {
    const reason = NOT_RECORDED[config.metric];
    if (reason !== undefined) throw unprocessable('config.metric', 'not_recorded', reason);
    const { points, from: known, ...rest } = config.metric === 'spend_today' ? await this.spent(from.getTime(), to.getTime(), most) : await this.attempted(config, from.getTime(), to.getTime(), most);
    return { ...rest, from: new Date(known), crossings: crossings(config, points, known, to.getTime()).map((crossing) => eventOf(config, crossing)) };
  }

  private async attempted(config: ThresholdConfig, from: number, to: number, most: number): Promise<Known> {
    // What ended in the window before counts from the first look on, and windows are kept in parts.
    const before = config.window_seconds * 2 * 1000;
    const since = new Date(from - before);
    const { events, from: oldest } = await this.events.newest(this.context.tenantId, since, most, [...COUNTED_EVENTS]);
    const ended = events.map(({ name, occurred_at }) => ({ at: Date.parse(occurred_at), failed: name === 'task.failed' })).toSorted(byTime);
    const known = Math.min(to, oldest.getTime() + before);
    return { points: await attemptPoints(config, ended, to, new EventLoopPace()), from: known, events: events.length, truncated: known > from, notes: [] };
  }

  private async spent(from: number, to: number, most: number): Promise<Known> {
    const midnight = Math.floor(from / DAY_MS) * DAY_MS;
    // Before the events: what it has is in them, too.
    const ledger = await this.ledger(midnight, to);
    const { events, from: oldest } = await this.events.newest(this.context.tenantId, new Date(midnight), most, ENDS);
    // Of a day of which the beginning is not known nothing can be said.
    const begin = Math.ceil(oldest.getTime() / DAY_MS) * DAY_MS;
    const costs = (await this.costsOf(events)).filter(({ at }) => at >= begin).toSorted(byTime);
    const known = Math.min(to, Math.max(from, begin));
    return { points: spendPoints(costs.filter(({ at }) => at <= to), known, to), from: known, events: events.length, truncated: known > from, notes: missing(ledger.filter(({ day }) => day >= dayOf(known)), costs) };
  }

  /** What attempts have cost that ended with these events, each once. */
  private async costsOf(events: readonly TenantEvent[]): Promise<Cost[]> {
    const keys = new Map(events.flatMap(({ data: { task_id: taskId, fence } }) => (isId(taskId) && typeof fence === 'number' ? [[`${taskId}/${fence}`, { taskId, fence }] as const] : [])));
    const all = [...keys.values()];
    const costs: Cost[] = [];
    for (let at = 0; at < all.length; at += BATCH) costs.push(...(await this.costsOfSome(all.slice(at, at + BATCH))));
    return costs;
  }

  @Transactional()
  protected async costsOfSome(attempts: readonly { taskId: string; fence: number }[]): Promise<Cost[]> {
    return (await this.tasks.costsOf(attempts)).map(({ ended_at, cost_usd }) => ({ at: ended_at.getTime(), usd: cost_usd }));
  }

  @Transactional()
  protected ledger(from: number, to: number): ReturnType<UsageReader['byDay']> {
    return this.usage.byDay({ from: dayOf(from), to: dayOf(to) });
  }
}

/** Days of which the ledger has more than attempts can account for: their tasks are gone, and the time of day with them. */
function missing(ledger: readonly { day: string; cost_usd: number }[], costs: readonly Cost[]): string[] {
  const placed = new Map([...Map.groupBy(costs, ({ at }) => dayOf(at))].map(([day, of]) => [day, of.reduce((sum, { usd }) => sum + usd, 0)]));
  return ledger.flatMap(({ day, cost_usd: total }) => {
    const left = total - (placed.get(day) ?? 0);
    return left < LEAST_USD ? [] : [`Of ${day}, ${left.toFixed(6)} of ${total.toFixed(6)} USD are left out: when they were spent is not recorded any more.`];
  });
}

const byTime = (a: { at: number }, b: { at: number }): number => a.at - b.at;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

function eventOf({ metric, operator, value: threshold }: ThresholdConfig, { at, value, since }: Crossing): FiringEvent {
  return { id: null, name: 'threshold.crossed', occurred_at: new Date(at).toISOString(), data: { metric, operator, threshold, value, since: new Date(since).toISOString() } };
}
