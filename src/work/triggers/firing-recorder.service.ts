import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { isAfter, type LoggedEvent } from '../../platform/events/event-log.js';
import type { TickFailure } from '../../platform/jobs/cron-ticks.js';
import { Notifier } from '../../platform/notifications/notifier.port.js';
import { isLoop } from './firing-chains.js';
import { decide, type PaceState } from './firing-pace.js';
import { FiringSignal } from './firing-signal.js';
import { FiringsRepository } from './firings.repository.js';
import { addTo, type Buckets } from './threshold-rules.js';
import type { ThresholdConfig } from './trigger-config.js';
import { failureNotice } from './trigger-notices.js';
import type { FiringEvent, NewFiring } from './trigger-firing.entity.js';
import { type HeldTrigger, TriggersRepository } from './triggers.repository.js';

/** An event that concerns a trigger. */
export interface Match {
  triggerId: string;
  event: LoggedEvent;
  /** The triggers that led to it. */
  chain: readonly string[];
  /** Why its filter says nothing. */
  fault?: string;
}

interface PassedOver {
  status: 'skipped' | 'failed';
  reason: string;
  event: FiringEvent;
  chain: readonly string[];
  count: number;
}

/** What is to be written of some events: firings that are new, and how many more events others stand for. */
interface Decided {
  made: NewFiring[];
  joins: Map<string, number>;
}

const HOUR = 13;

/**
 * Writes down what becomes of events, in one transaction with how far each trigger has come: an event that is delivered again is
 * behind that place, so each trigger deals with each event once, however many processes there are and whenever one dies.
 */
@Injectable()
export class FiringRecorder {
  constructor(
    private readonly context: RequestContext,
    private readonly triggers: TriggersRepository,
    private readonly firings: FiringsRepository,
    private readonly notifier: Notifier,
    private readonly signal: FiringSignal,
  ) {}

  /** In the order of the log. */
  @Transactional()
  async record(matches: readonly Match[]): Promise<void> {
    const byTrigger = Map.groupBy(matches, ({ triggerId }) => triggerId);
    // In one order for all who do so: two that hold several states never wait for each other.
    for (const id of [...byTrigger.keys()].sort()) {
      const held = await this.triggers.hold(this.context.tenantId, id);
      if (held) await this.recordOf(held, (byTrigger.get(id) ?? []).filter(({ event }) => isAfter(event.position, held)));
    }
  }

  /** A tick of the clock, or a threshold that was crossed: in a transaction that lets it be once. */
  @Transactional()
  async happened(triggerId: string, name: string, data: Record<string, unknown>, at?: Date): Promise<void> {
    const held = await this.triggers.hold(this.context.tenantId, triggerId);
    if (!held) return;
    const event: FiringEvent = { id: null, name, occurred_at: (at ?? held.now).toISOString(), data };
    const decided: Decided = { made: [], joins: new Map() };
    const state = decideOn(held, await this.stateOf(held), event, [], decided);
    await this.write(held, decided);
    await this.triggers.remember(held.tenant_id, held.id, held, state.state, held.buckets);
    if (state.passed) await this.passOver(held, [state.passed]);
  }

  /** Ticks that could not be dealt with, and are not tried again. */
  @Transactional()
  async givenUp(triggerId: string, ticks: readonly Date[], { code, message }: TickFailure): Promise<void> {
    const held = await this.triggers.hold(this.context.tenantId, triggerId);
    if (!held) return;
    const [at = held.now] = ticks;
    const reason = `${code}: ${message}`;
    const event: FiringEvent = { id: null, name: 'cron.tick', occurred_at: at.toISOString(), data: { tick_at: at.toISOString() } };
    await this.passOver(held, [{ status: 'failed', reason, event, chain: [], count: ticks.length }]);
    await this.notifier.notify(failureNotice(held, reason, held.now));
  }

  private async recordOf(held: HeldTrigger, matches: readonly Match[]): Promise<void> {
    const last = matches.at(-1);
    if (!last) return;
    if (held.type === 'threshold') return this.count(held, matches, last);
    const passed: PassedOver[] = [];
    const decided: Decided = { made: [], joins: new Map() };
    let state = await this.stateOf(held);
    for (const { event, chain, fault } of matches) {
      const shown = shownOf(event);
      if (fault !== undefined) {
        addPassed(passed, { status: 'failed', reason: fault, event: shown, chain, count: 1 });
        continue;
      }
      const outcome = decideOn(held, state, shown, chain, decided);
      state = outcome.state;
      if (outcome.passed) addPassed(passed, outcome.passed);
    }
    await this.write(held, decided);
    await this.passOver(held, passed);
    await this.triggers.remember(held.tenant_id, held.id, last.event.position, state, held.buckets);
  }

  private async stateOf(held: HeldTrigger): Promise<PaceState> {
    return { ...held, gathering: (held.coalesce_seconds > 0 ? await this.firings.gathering(held.tenant_id, held.id) : undefined) ?? null };
  }

  private async write(held: HeldTrigger, { made, joins }: Decided): Promise<void> {
    await this.firings.insert(held.tenant_id, made);
    for (const [id, count] of joins) await this.firings.join(held.tenant_id, id, count);
    if (made.length > 0) afterCommit(() => this.signal.raise());
  }

  /** Of a threshold over attempts: how many failed, how many did not. */
  private async count(held: HeldTrigger, matches: readonly Match[], last: Match): Promise<void> {
    const { window_seconds } = held.config as ThresholdConfig;
    let buckets: Buckets = held.buckets;
    for (const { event } of matches) {
      const failed = event.name === 'task.failed' ? 1 : 0;
      buckets = addTo(buckets, window_seconds, new Date(event.occurred_at), failed, 1 - failed);
    }
    await this.triggers.remember(held.tenant_id, held.id, last.event.position, { ...held, gathering: null }, buckets);
  }

  private async passOver(held: HeldTrigger, passed: readonly PassedOver[]): Promise<void> {
    for (const { status, reason, event, chain, count } of passed) {
      await this.firings.passOver(held.tenant_id, held.id, newId(), status, reason, event, chain, count);
      if (reason === 'loop' || reason === 'rate_cap') await this.tell(held, reason);
    }
  }

  private async tell({ id, name, now, max_per_hour }: HeldTrigger, reason: 'loop' | 'rate_cap'): Promise<void> {
    await this.notifier.notify({
      type: `trigger_${reason}`,
      severity: 'warning',
      title: reason === 'loop' ? `Trigger ${name} fires itself: it was stopped` : `Trigger ${name} fired ${max_per_hour} times within an hour: it waits`,
      link: `/triggers/${id}`,
      metadata: { trigger_id: id },
      to: { roles: ['admin'] },
      key: `trigger:${id}:${reason}:${now.toISOString().slice(0, HOUR)}`,
    });
  }
}

/** @returns the state after it; what is to be written is added to what was decided before */
function decideOn(held: HeldTrigger, state: PaceState, event: FiringEvent, chain: readonly string[], { made, joins }: Decided): { state: PaceState; passed?: PassedOver } {
  const over = (reason: string): PassedOver => ({ status: 'skipped', reason, event, chain, count: 1 });
  if (isLoop(held.id, chain)) return { state, passed: over('loop') };
  const id = newId();
  const { decision, state: after } = decide(held, state, new Date(event.occurred_at), id);
  if ('skip' in decision) return { state: after, passed: over(decision.skip) };
  if ('join' in decision) joins.set(decision.join, (joins.get(decision.join) ?? 0) + 1);
  else made.push({ id, trigger_id: held.id, event, chain: [...chain, held.id], due_at: decision.fire.due });
  return { state: after };
}

const shownOf = ({ id, name, occurred_at, data }: LoggedEvent): FiringEvent => ({ id, name, occurred_at, data });

/** Neighbours for one reason are one. */
function addPassed(passed: PassedOver[], next: PassedOver): void {
  const last = passed.at(-1);
  if (last?.status === next.status && last.reason === next.reason) last.count += next.count;
  else passed.push(next);
}
