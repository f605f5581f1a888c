import { Injectable } from '@nestjs/common';
import { Problem } from '../../../core/problem.js';
import { AgentsReader } from '../../../fleet/agents/agents.reader.js';
import { TaskOrders } from '../../tasks/task-orders.port.js';
import { RUN_MAKER } from '../runs/run-starters.reader.js';
import { type EffectMaker, errorOf, failedFact, type Wanted } from './effects.js';
import type { NewFact } from './runs.repository.js';

const LONGEST_SECONDS = 366 * 86_400;

/** Tasks that steps want done: made with their step, under the id that it waits for. */
@Injectable()
export class TaskEffects implements EffectMaker {
  constructor(
    private readonly tasks: TaskOrders,
    private readonly agents: AgentsReader,
  ) {}

  async make(wanted: readonly Wanted[]): Promise<NewFact[]> {
    const slugs = new Set(wanted.flatMap(({ values: { agent } }) => (typeof agent === 'string' ? [agent] : [])));
    const agents = slugs.size === 0 ? new Map<string, string>() : await this.agents.idsOfSlugs([...slugs]);
    const now = Date.now();
    const orders = wanted.map((effect) => ({ effect, values: taskOf(effect, agents, now) }));
    const known = orders.flatMap(({ effect: { id, runId }, values }) => (values instanceof Problem ? [] : [{ id, values, maker: `${RUN_MAKER}${runId}` }]));
    const refused = await this.tasks.create(known);
    return orders.flatMap(({ effect, values }) => {
      const problem = values instanceof Problem ? values : refused.get(effect.id);
      return problem ? [failedFact(effect, errorOf(problem))] : [];
    });
  }

  release(ids: readonly string[], reason: string): Promise<void> {
    return this.tasks.cancel(ids, reason);
  }
}

/** A step's own input is the payload of its task, unless it says another. */
function taskOf({ values: { input, agent, deadline_seconds: seconds, ...values }, path }: Wanted, agents: ReadonlyMap<string, string>, now: number): object | Problem {
  const agentId = typeof agent === 'string' ? agents.get(agent) : undefined;
  if (seconds !== undefined && seconds !== null && !(typeof seconds === 'number' && seconds > 0 && seconds <= LONGEST_SECONDS)) return new Problem('unprocessable', { detail: 'deadline_seconds is not a number of seconds, a year at most.' });
  if (agent !== undefined && agentId === undefined) return new Problem('unprocessable', { detail: `There is no agent ${JSON.stringify(agent).slice(0, 100)}.` });
  return {
    title: path,
    ...(input === undefined || input === null ? {} : { payload: input }),
    ...values,
    ...(agentId === undefined ? {} : { agent_id: agentId }),
    ...(typeof seconds === 'number' ? { deadline: new Date(now + seconds * 1000).toISOString() } : {}),
  };
}
