import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { StoredEvent } from '../../core/event.js';
import { isId } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TasksReader } from '../tasks/tasks.reader.js';
import { FiringsRepository } from './firings.repository.js';

/** Who makes what a firing makes. */
const MAKER = 'trigger:';
export const makerOf = (firingId: string): string => `${MAKER}${firingId}`;

/** Longer chains of triggers are taken for a loop. */
export const LONGEST_CHAIN = 8;

/** Whether a trigger may fire for something that these triggers led to. */
export const isLoop = (triggerId: string, chain: readonly string[]): boolean => chain.includes(triggerId) || chain.length >= LONGEST_CHAIN;

/**
 * Finds out which triggers led to an event: what a firing makes bears its id, a task that was made for another bears that one's, and a
 * trigger's own events name their firing. Nobody can write these marks but the plane.
 */
@Injectable()
export class FiringChains {
  constructor(
    private readonly context: RequestContext,
    private readonly tasks: TasksReader,
    private readonly firings: FiringsRepository,
  ) {}

  /** @returns for events that triggers led to, which, the first first */
  @Transactional()
  async of(events: readonly StoredEvent[]): Promise<Map<string, string[]>> {
    const taskIds = events.map(({ data }) => data['task_id']).filter(isId);
    const makers = taskIds.length > 0 ? await this.tasks.makersOf(taskIds) : new Map<string, string[]>();
    const firingOf = (event: StoredEvent): string | undefined => {
      if (event.name.startsWith('trigger.')) return isId(event.data['firing_id']) ? event.data['firing_id'] : undefined;
      const made = (makers.get(String(event.data['task_id'])) ?? []).find((maker) => maker.startsWith(MAKER));
      return made?.slice(MAKER.length);
    };
    const wanted = new Map(events.flatMap((event) => [firingOf(event)].filter(isId).map((firing) => [event.id, firing] as const)));
    if (wanted.size === 0) return new Map();
    const chains = await this.firings.chains(this.context.tenantId, [...new Set(wanted.values())]);
    return new Map([...wanted].flatMap(([event, firing]) => [chains.get(firing)].flatMap((chain) => (chain ? [[event, chain] as const] : []))));
  }
}
