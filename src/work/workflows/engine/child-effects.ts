import { Injectable } from '@nestjs/common';
import { isId, newId } from '../../../core/ids.js';
import { Problem } from '../../../core/problem.js';
import { ROOT } from '../../../core/workflows/graph.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { type RunOrder, RunStarts } from '../runs/run-starts.service.js';
import { type EffectMaker, errorOf, failedFact, type Wanted } from './effects.js';
import { type NewFact, RunsRepository } from './runs.repository.js';

/** Runs that steps of other runs start. */
@Injectable()
export class ChildEffects implements EffectMaker {
  constructor(
    private readonly context: RequestContext,
    private readonly starts: RunStarts,
    private readonly runs: RunsRepository,
  ) {}

  async make(wanted: readonly Wanted[]): Promise<NewFact[]> {
    const [named, unnamed] = [wanted.filter(({ values }) => isId(values['workflow_id'])), wanted.filter(({ values }) => !isId(values['workflow_id']))];
    const started = await this.starts.startMany(named.map(orderOf));
    return [
      ...named.flatMap((effect, at) => (started[at] instanceof Problem ? [failedFact(effect, errorOf(started[at]))] : [])),
      ...unnamed.map((effect) => failedFact(effect, errorOf(new Problem('unprocessable', { detail: 'workflow_id is not the id of a workflow.' })))),
    ];
  }

  /** They hear of it with their next transition: nobody holds two runs at once. */
  async release(ids: readonly string[], reason: string): Promise<void> {
    await this.runs.addFacts(this.context.tenantId, ids.map((runId) => ({ id: newId(), runId, path: ROOT, attempt: null, outcome: 'cancelled' as const, output: null, error: { code: 'cancelled', message: reason, passing: false } })));
  }
}

const orderOf = ({ id, runId, rootRunId, path, attempt, depth, requester, values: { workflow_id: workflowId, input } }: Wanted): RunOrder =>
  ({ id, workflowId: workflowId as string, input: input ?? null, startedBy: { kind: 'run', id: runId }, requester: requester ?? undefined, parent: { runId, rootRunId, path, attempt, depth } });
