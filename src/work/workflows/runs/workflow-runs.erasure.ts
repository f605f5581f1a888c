import type { AgentContent, Unfinished } from '../../../platform/erasure/erasures.js';

/** Tasks that the agent had; ids of other things that steps wait for are no uuids. */
const TASKS = `select ta.task_id::text from task_attempts ta where ta.tenant_id = $1::uuid and ta.agent_id = $2::uuid`;
/** Runs that the agent took part in itself. None of these looks at the row in question: they are answered once for all rows. */
const RUNS = `select a.run_id from workflow_attempts a where a.tenant_id = $1::uuid and a.made_kind = 'task' and a.made_id in (${TASKS})
  union all select s.run_id from workflow_steps s where s.tenant_id = $1::uuid and s.waiting_kind = 'task' and s.waiting_id in (${TASKS})
  union all select w.run_id from workflow_run_archives w where w.tenant_id = $1::uuid and w.agents @> array[$2::uuid]`;
/** What an agent said goes on into the runs that stand in each other: from a child to its parent, from there to other children. */
const FAMILIES = `select f.root_run_id from workflow_runs f where f.tenant_id = $1::uuid and f.id in (${RUNS})
  union all select e.root_run_id from workflow_family_agents e where e.tenant_id = $1::uuid and e.agent_id = $2::uuid`;
const ENDED = `select r.id from workflow_runs r where r.tenant_id = $1::uuid and r.ended_at is not null and r.root_run_id in (${FAMILIES})`;

/**
 * What an agent said goes on through mappings into what follows, where nobody can tell it from the rest: of a run that has ended and
 * that it took part in, or a run around it or within, everything goes but what the first run was given. Of one that still runs, what
 * the agent itself answered; the rest follows when it has ended.
 */
export const RUN_CONTENT: readonly AgentContent[] = [
  {
    // Of a run that nobody has moved on yet.
    table: 'workflow_facts',
    key: [['run_id', 'uuid'], ['id', 'uuid']],
    where: `(t.output is not null or t.error is not null) and (t.run_id in (${ENDED})
      or (t.run_id, t.path) in (select s.run_id, s.path from workflow_steps s where s.tenant_id = $1::uuid and s.waiting_kind = 'task' and s.waiting_id in (${TASKS})))`,
    set: `output = null, error = null`,
  },
  {
    table: 'workflow_runs',
    key: [['id', 'uuid']],
    where: `(t.output is not null or t.error is not null or (t.input is not null and t.parent_run_id is not null)) and t.id in (${ENDED})`,
    set: `input = case when t.parent_run_id is null then t.input end, output = null, error = null, revision = t.revision + 1`,
  },
  {
    table: 'workflow_steps',
    key: [['run_id', 'uuid'], ['path', 'text']],
    where: `(t.input is not null or t.output is not null or t.error is not null) and (t.run_id in (${ENDED})
      or (t.run_id, t.path) in (select a.run_id, a.path from workflow_attempts a where a.tenant_id = $1::uuid and a.made_kind = 'task' and a.made_id in (${TASKS})))`,
    set: `input = null, output = null, error = null`,
  },
  {
    table: 'workflow_unheard_facts',
    key: [['run_id', 'uuid'], ['id', 'uuid']],
    where: `(t.output is not null or t.error is not null or t.reason is not null) and (t.run_id in (${ENDED})
      or (t.run_id, t.path) in (select a.run_id, a.path from workflow_attempts a where a.tenant_id = $1::uuid and a.made_kind = 'task' and a.made_id in (${TASKS})))`,
    set: `output = null, error = null, reason = null`,
  },
  {
    table: 'workflow_attempts',
    key: [['run_id', 'uuid'], ['path', 'text'], ['attempt', 'integer']],
    where: `(t.error is not null or t.output is not null) and (t.run_id in (${ENDED}) or (t.made_kind = 'task' and t.made_id in (${TASKS})))`,
    set: `error = null, output = null`,
  },
  {
    // Last: by its agents the others find where the agent took part.
    table: 'workflow_run_archives',
    key: [['run_id', 'uuid']],
    where: `t.content is not null and t.run_id in (${ENDED})`,
    set: `content = null`,
  },
];

/** Runs of which something is to be erased when they have ended. */
export const UNFINISHED_RUNS: Unfinished = `select count(*)::int as count from workflow_runs r where r.tenant_id = $1::uuid and r.ended_at is null and r.root_run_id in (${FAMILIES})`;
