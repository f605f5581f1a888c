import { Injectable, type OnModuleInit } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { CronTicks } from '../../platform/jobs/cron-ticks.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import type { LoggedEvent } from '../../platform/events/event-log.js';
import { FiringChains } from './firing-chains.js';
import { FiringRecorder, type Match } from './firing-recorder.service.js';
import { KnownTriggers } from './known-triggers.js';
import { TriggerMatcher } from './trigger-matcher.js';

export const TICK_OWNER = 'trigger';

/** Holds every event against the triggers of its tenant, and hears the ticks of those that go by the clock. */
@Injectable()
export class TriggerEvents implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly ticks: CronTicks,
    private readonly context: RequestContext,
    private readonly known: KnownTriggers,
    private readonly matcher: TriggerMatcher,
    private readonly chains: FiringChains,
    private readonly recorder: FiringRecorder,
  ) {}

  onModuleInit(): void {
    const concern = async (tenantId: string, name: string): Promise<boolean> => (await this.known.concernedBy(tenantId, name)).length > 0;
    this.consumers.onAllInTurns('triggers', concern, (events) => this.hold(events));
    this.ticks.define(TICK_OWNER, (id, at) => this.recorder.happened(id, 'cron.tick', { tick_at: at.toISOString() }, at), (id, ticks, failure) => this.recorder.givenUp(id, ticks, failure));
  }

  /** Expressions are evaluated before the transaction: they may take their time. */
  private async hold(events: readonly LoggedEvent[]): Promise<void> {
    const matches: Omit<Match, 'chain'>[] = [];
    for (const event of events) {
      for (const trigger of await this.known.concernedBy(this.context.tenantId, event.name)) {
        const found = await this.matcher.match(trigger, event);
        if (found) matches.push({ triggerId: trigger.id, event, ...(found.fault === undefined ? {} : { fault: found.fault }) });
      }
    }
    if (matches.length === 0) return;
    const chains = await this.chains.of([...new Set(matches.map(({ event }) => event))]);
    await this.recorder.record(matches.map((match) => ({ ...match, chain: chains.get(match.event.id) ?? [] })));
  }
}
