import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { EventLoopPace } from '../../core/event-loop-pace.js';
import { newId } from '../../core/ids.js';
import { notFound } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventHistory } from '../../platform/events/event-history.js';
import { type CronSchedule, ticksBetween } from '../../platform/jobs/cron-schedule.js';
import { FiringChains, isLoop } from './firing-chains.js';
import { decide, type PaceState } from './firing-pace.js';
import { ThresholdHistory } from './threshold-history.service.js';
import type { Trigger } from './trigger.entity.js';
import type { FiringEvent } from './trigger-firing.entity.js';
import { isEnd, TriggerMatcher } from './trigger-matcher.js';
import type { BacktestView } from './triggers.view.js';
import { TriggersRepository } from './triggers.repository.js';
import type { ThresholdConfig } from './trigger-config.js';

const DAY_MS = 86_400_000;
const MOST_EVENTS = 20_000;
const MOST_SAMPLES = 50;
const BATCH = 500;
const LONGEST_MS = 5_000;

/** What a trigger would have been told of. */
interface Past {
  happened: readonly FiringEvent[];
  /** From where on all of it is known. */
  from: Date;
  truncated: boolean;
  /** Events that were looked at, where they are not what happened. */
  events?: number;
  notes: string[];
}

/** Says what a trigger would have done with what has happened. It does nothing of it. */
@Injectable()
export class TriggerBacktests {
  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly triggers: TriggersRepository,
    private readonly history: EventHistory,
    private readonly matcher: TriggerMatcher,
    private readonly chains: FiringChains,
    private readonly thresholds: ThresholdHistory,
  ) {}

  /** @throws Problem `not_found`, `unprocessable` for a threshold of which is not recorded what its metric was */
  async run(id: string, days: number): Promise<BacktestView> {
    const trigger = await this.find(id);
    const to = new Date();
    const past = await this.pastOf(trigger, new Date(to.getTime() - days * DAY_MS), to);
    const view = await this.replay(trigger, past, to);
    return past.events === undefined ? view : { ...view, events: past.events };
  }

  private async pastOf(trigger: Trigger, from: Date, to: Date): Promise<Past> {
    if (trigger.type === 'cron') {
      const happened = await ticksOf(trigger, from, to);
      return { happened, from, truncated: happened.length >= MOST_EVENTS, notes: [] };
    }
    // What was before is not kept for certain.
    const recorded = new Date(Math.max(from.getTime(), to.getTime() - this.config.get('EVENT_RETENTION_DAYS') * DAY_MS));
    const notes = recorded > from ? [`Events are kept for ${this.config.get('EVENT_RETENTION_DAYS')} days: what was before is not looked at.`] : [];
    if (trigger.type === 'threshold') {
      const past = await this.thresholds.crossings(trigger.config as ThresholdConfig, recorded, to, MOST_EVENTS);
      return { ...past, happened: past.crossings, notes: [...notes, ...past.notes] };
    }
    const { events, from: known } = await this.history.newest(this.context.tenantId, recorded, MOST_EVENTS);
    return { happened: events, from: known, truncated: known > recorded, notes };
  }

  @Transactional()
  protected async find(id: string): Promise<Trigger> {
    const trigger = await this.triggers.find(this.context.tenantId, id);
    if (!trigger) throw notFound('trigger');
    return trigger;
  }

  private async replay(trigger: Trigger, { happened, from, truncated, notes }: Past, to: Date): Promise<BacktestView> {
    const view: BacktestView = { from: from.toISOString(), to: to.toISOString(), events: 0, matched: 0, would_fire: 0, coalesced: 0, skipped: { cooldown: 0, rate_cap: 0, loop: 0 }, failed_filters: 0, truncated, notes, samples: [] };
    const deadline = performance.now() + LONGEST_MS;
    let state: PaceState = { last_fired_at: null, hour_at: null, hour_count: 0, gathering: null };
    for (let at = 0; at < happened.length; at += BATCH) {
      const batch = happened.slice(at, at + BATCH);
      const loops = await this.loopsIn(trigger, batch);
      for (const event of batch) {
        if (performance.now() > deadline) return { ...view, truncated: true };
        view.events += 1;
        const found = trigger.type === 'cron' || trigger.type === 'threshold' ? {} : await this.matcher.match(trigger, event);
        if (!found || isEnd(trigger, event)) continue;
        view.matched += 1;
        if (found.fault === undefined) state = tell(view, trigger, state, event, loops.has(event));
        else view.failed_filters += 1;
      }
    }
    return view;
  }

  /** What the trigger itself led to, then. */
  private async loopsIn({ id }: Trigger, events: readonly FiringEvent[]): Promise<ReadonlySet<FiringEvent>> {
    const stored = events.flatMap((event) => (event.id === null ? [] : [{ ...event, id: event.id }]));
    const chains = stored.length === 0 ? new Map<string, string[]>() : await this.chains.of(stored);
    return new Set(events.filter((event) => event.id !== null && isLoop(id, chains.get(event.id) ?? [])));
  }
}

/** What becomes of one event, and of the pace by it. */
function tell(view: BacktestView, trigger: Trigger, before: PaceState, event: FiringEvent, loops: boolean): PaceState {
  const { decision, state } = loops ? { decision: { skip: 'loop' as const }, state: before } : decide(trigger, before, new Date(event.occurred_at), newId());
  if ('skip' in decision) view.skipped[decision.skip] += 1;
  else if ('join' in decision) view.coalesced += 1;
  else view.would_fire += 1;
  const outcome = 'skip' in decision ? decision.skip : 'join' in decision ? 'coalesced' : 'fires';
  if (view.samples.length < MOST_SAMPLES) view.samples.push({ event_id: event.id, event: event.name, occurred_at: event.occurred_at, outcome });
  return state;
}

/** The newest of very many; a day at a time, so that others have their turn. */
async function ticksOf({ config }: Trigger, from: Date, to: Date): Promise<FiringEvent[]> {
  const pace = new EventLoopPace();
  const ticks: Date[] = [];
  for (let end = to; end > from && ticks.length < MOST_EVENTS; end = new Date(end.getTime() - DAY_MS)) {
    ticks.unshift(...ticksBetween(config as CronSchedule, new Date(Math.max(from.getTime(), end.getTime() - DAY_MS)), end));
    if (pace.isDue()) await pace.rest();
  }
  return ticks.slice(-MOST_EVENTS).map((at) => ({ id: null, name: 'cron.tick', occurred_at: at.toISOString(), data: { tick_at: at.toISOString() } }));
}
