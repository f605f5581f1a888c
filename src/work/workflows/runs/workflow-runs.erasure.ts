import type { AgentContent } from '../../../platform/erasure/erasures.js';

/** A try of a step that the agent's attempt at its task was. `a` is a row of workflow_attempts; ids of other things are no uuids. */
const BY_AGENT = `exists (select from task_attempts ta where ta.tenant_id = $1::uuid and ta.task_id = (case when a.made_kind = 'task' then a.made_id::uuid end) and ta.agent_id = $2::uuid)`;
const TOOK_PART = `exists (select from workflow_attempts a where a.tenant_id = $1::uuid and a.run_id = t.id and ${BY_AGENT})`;

/**
 * What an agent said goes on through mappings into what follows, where nobody can tell it from the rest: of a run that has ended and
 * that it took part in, everything goes but what the run was given. Of one that still runs, what the agent itself answered.
 */
export const RUN_CONTENT: readonly AgentContent[] = [
  {
    // Of a run that nobody has moved on yet.
    table: 'workflow_facts',
    key: [['run_id', 'uuid'], ['id', 'uuid']],
    where: `(t.output is not null or t.error is not null) and exists (select from workflow_steps s join task_attempts ta on ta.tenant_id = $1::uuid and ta.task_id = (case when s.waiting_kind = 'task' then s.waiting_id::uuid end)
      where s.tenant_id = $1::uuid and s.run_id = t.run_id and s.path = t.path and ta.agent_id = $2::uuid)`,
    set: `output = null, error = null`,
  },
  {
    table: 'workflow_run_archives',
    key: [['run_id', 'uuid']],
    where: `t.content is not null and t.agents @> array[$2::uuid]`,
    set: `content = null`,
  },
  {
    table: 'workflow_runs',
    key: [['id', 'uuid']],
    where: `(t.output is not null or t.error is not null) and t.ended_at is not null and (${TOOK_PART} or exists (select from workflow_run_archives w where w.tenant_id = $1::uuid and w.run_id = t.id and w.agents @> array[$2::uuid]))`,
    set: `output = null, error = null, revision = t.revision + 1`,
  },
  {
    table: 'workflow_steps',
    key: [['run_id', 'uuid'], ['path', 'text']],
    where: `(t.input is not null or t.output is not null or t.error is not null) and exists (select from workflow_attempts a where a.tenant_id = $1::uuid and a.run_id = t.run_id and ${BY_AGENT}
      and (a.path = t.path or exists (select from workflow_runs r where r.tenant_id = $1::uuid and r.id = t.run_id and r.ended_at is not null)))`,
    set: `input = null, output = null, error = null`,
  },
  {
    // Last: the others find by these rows where the agent took part.
    table: 'workflow_attempts',
    key: [['run_id', 'uuid'], ['path', 'text'], ['attempt', 'integer']],
    where: `(t.error is not null or t.output is not null) and exists (select from workflow_attempts a where a.tenant_id = $1::uuid and a.run_id = t.run_id and a.path = t.path and a.attempt = t.attempt and ${BY_AGENT})`,
    set: `error = null, output = null`,
  },
];
