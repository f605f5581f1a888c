import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { StoredEvent } from '../../core/event.js';
import { isId } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TasksReader } from '../tasks/tasks.reader.js';
import { RUN_MAKER, RunStarters, type StartedBy } from '../workflows/runs/run-starters.reader.js';
import { FiringsRepository } from './firings.repository.js';

type Happened = Pick<StoredEvent, 'id' | 'name' | 'data'>;

/** Who makes what a firing makes. */
const MAKER = 'trigger:';
export const makerOf = (firingId: string): string => `${MAKER}${firingId}`;

/** Longer chains of triggers are taken for a loop. */
export const LONGEST_CHAIN = 8;

/** Whether a trigger may fire for something that these triggers led to. */
export const isLoop = (triggerId: string, chain: readonly string[]): boolean => chain.includes(triggerId) || chain.length >= LONGEST_CHAIN;

const isOfStep = ({ data }: Happened): boolean => (data['source'] as { kind?: unknown } | null | undefined)?.kind === 'workflow_step';

/**
 * Finds out which triggers led to an event: what a firing makes bears its id, be it a task or a run; a task that a step of a run ordered bears
 * the run's, and so does an approval that a step asked for; a task that was made for another bears that one's. Nobody can write these marks but the plane.
 */
@Injectable()
export class FiringChains {
  constructor(
    private readonly context: RequestContext,
    private readonly tasks: TasksReader,
    private readonly runs: RunStarters,
    private readonly firings: FiringsRepository,
  ) {}

  /** @returns for events that triggers led to, which, the first first */
  @Transactional()
  async of(events: readonly Happened[]): Promise<Map<string, string[]>> {
    const makers = await this.makersOf(events);
    const runs = new Set([...makers.values()].flat().flatMap((maker) => (maker.startsWith(RUN_MAKER) ? [maker.slice(RUN_MAKER.length)] : [])));
    const starters = runs.size > 0 ? await this.runs.of([...runs].filter(isId)) : new Map<string, StartedBy>();
    const firingBehind = (maker: string): string[] => {
      if (maker.startsWith(MAKER)) return [maker.slice(MAKER.length)];
      const starter = maker.startsWith(RUN_MAKER) ? starters.get(maker.slice(RUN_MAKER.length)) : undefined;
      return starter?.kind === 'trigger' ? [starter.id] : [];
    };
    const wanted = [...makers].flatMap(([event, of]) => of.flatMap(firingBehind).filter(isId).slice(0, 1).map((firing) => [event, firing] as const));
    if (wanted.length === 0) return new Map();
    const chains = await this.firings.chains(this.context.tenantId, [...new Set(wanted.map(([, firing]) => firing))]);
    return new Map(wanted.flatMap(([event, firing]) => [chains.get(firing)].flatMap((chain) => (chain ? [[event, chain] as const] : []))));
  }

  /** Of each event the parts of the plane that made what it is about. */
  private async makersOf(events: readonly Happened[]): Promise<Map<string, string[]>> {
    const taskIds = events.map(({ data }) => data['task_id']).filter(isId);
    const ofTasks = taskIds.length > 0 ? await this.tasks.makersOf(taskIds) : new Map<string, string[]>();
    const approvalIds = events.filter(isOfStep).map(({ data }) => data['approval_id']).filter(isId);
    const ofApprovals = approvalIds.length > 0 ? await this.runs.behindApprovals(approvalIds) : new Map<string, string>();
    return new Map(
      events.map(({ id, name, data }) => {
        if (name.startsWith('trigger.')) return [id, [`${MAKER}${String(data['firing_id'])}`]];
        const runId = data['run_id'] ?? ofApprovals.get(String(data['approval_id']));
        const ofRun = isId(runId) ? [`${RUN_MAKER}${runId}`] : [];
        return [id, [...ofRun, ...(ofTasks.get(String(data['task_id'])) ?? [])]];
      }),
    );
  }
}
