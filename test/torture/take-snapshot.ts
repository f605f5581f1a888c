import { TENANT } from './checker/snapshot.ts';
import type { AgentRow, AttemptRow, AuditRow, CheckpointRow, CommentRow, DependencyRow, EventRow, LeafRow, MemberRow, PurgeRow, Snapshot, TaskRow, WrappedRow } from './checker/snapshot.ts';
import type { WorkflowSnapshot } from './checker/check-workflows.ts';
import type { Cluster } from './cluster.ts';
import type { Arrival } from './effects-target.ts';

const STREAMED = ['task.created', 'task.updated', 'task.completed', 'task.failed'];

/** All work in one tenant, but for those that are purged. */
const OURS = `tenant_id = '${TENANT}'`;

/** Reads everything that the checker compares. */
export async function takeSnapshot(cluster: Cluster, purges: PurgeRow[]): Promise<Snapshot> {
  return {
    tasks: await cluster.query<TaskRow>(`select id, title, status, description, fence::int, result, board_id from tasks where ${OURS}`),
    attempts: await cluster.query<AttemptRow>(`select task_id, fence::int, agent_id, outcome from task_attempts where ${OURS}`),
    audit: await cluster.query<AuditRow>('select tenant_id, id, action, outcome, resource_id, request_id, extract(epoch from occurred_at)::float8 * 1000 as at from audit_log'),
    events: await cluster.query<EventRow>(`select id, name, data, extract(epoch from occurred_at)::float8 * 1000 as at from events where name = any($1) and ${OURS}`, [STREAMED]),
    comments: await cluster.query<CommentRow>(`select id, task_id, body from task_comments where ${OURS}`),
    agents: await cluster.query<AgentRow>(`select id, description from agents where ${OURS}`),
    dependencies: await cluster.query<DependencyRow>(`select task_id, depends_on from task_dependencies where ${OURS}`),
    members: await cluster.query<MemberRow>(`select board_id, agent_id from board_agents where ${OURS}`),
    leaves: await cluster.query<LeafRow>('select tenant_id, seq::int, row_id from audit_leaves order by tenant_id, seq'),
    checkpoints: await cluster.query<CheckpointRow>(
      `select tenant_id, size::int, encode(root, 'base64') as root, extract(epoch from created_at)::float8 * 1000 as at from audit_checkpoints order by tenant_id, size`,
    ),
    wrapped: await cluster.query<WrappedRow>(
      `select master_key_id, master_key_id in (select id from master_keys where retiring_at is null) as current, count(*)::int as keys
       from tenant_keys where destroyed_at is null group by 1`,
    ),
    purges,
  };
}

/** How many tasks have not ended. */
export async function countUnended(cluster: Cluster): Promise<number> {
  const rows = await cluster.query<{ n: number }>(
    `select count(*)::int as n from tasks where status not in ('completed', 'cancelled', 'dead_letter') and ${OURS}`,
  );
  return rows[0]?.n ?? 0;
}

/** How many rows of the audit log the sequencer has still to take. */
export async function countUnsealed(cluster: Cluster): Promise<number> {
  const rows = await cluster.query<{ n: number }>('select count(*)::int as n from audit_log r, audit_sequencer s where (r.tx, r.id) > (s.tx, s.id)');
  return rows[0]?.n ?? 0;
}

/** Tasks that wait for one that will never be completed. */
export async function waitingInVain(cluster: Cluster): Promise<string[]> {
  const rows = await cluster.query<{ id: string }>(
    `select distinct task.id from tasks task join task_dependencies d on d.task_id = task.id join tasks other on other.id = d.depends_on
     where task.${OURS} and task.status = 'blocked' and other.status in ('cancelled', 'dead_letter')`,
  );
  return rows.map(({ id }) => id);
}

export async function publishedIds(cluster: Cluster): Promise<string[]> {
  return (await cluster.query<{ id: string }>(`select id from events where name = any($1) and ${OURS}`, [STREAMED])).map(({ id }) => id);
}

/** How many runs of workflows have not ended. */
export async function countOpenRuns(cluster: Cluster, tenantId: string): Promise<number> {
  const rows = await cluster.query<{ n: number }>('select count(*)::int as n from workflow_runs where tenant_id = $1 and ended_at is null', [tenantId]);
  return rows[0]?.n ?? 0;
}

/** Reads what the runs of a tenant have come to. */
export async function takeWorkflows(cluster: Cluster, tenantId: string, arrivals: readonly Arrival[]): Promise<WorkflowSnapshot> {
  return {
    runs: await cluster.query(`select id, workflow_id, status, parent_run_id || ' ' || parent_path || ' ' || parent_attempt as parent from workflow_runs where tenant_id = $1`, [tenantId]),
    steps: await cluster.query(`select run_id, path, status, undoes, undoable, undone, ended_seq, undone_tries, (extract(epoch from started_at) * 1000)::float8 as began, (extract(epoch from ended_at) * 1000)::float8 as ended from workflow_steps where tenant_id = $1 and type <> 'scope'`, [tenantId]),
    made: await cluster.query(`select run_id, path, attempt, made_id as task_id from workflow_attempts where tenant_id = $1 and made_kind = 'task'`, [tenantId]),
    tasks: await cluster.query(`select t.id, r.id as run_id, t.status not in ('completed', 'failed', 'cancelled', 'dead_letter') as open from tasks t join workflow_runs r on r.tenant_id = $1 and t.created_by_id = 'workflow-run:' || r.id where t.tenant_id = $1`, [tenantId]),
    asked: await cluster.query(`select a.id, w.run_id from approvals a join workflow_attempts w on w.tenant_id = $1 and w.made_kind = 'approval' and w.made_id = a.id::text where a.tenant_id = $1 and a.status = 'pending'`, [tenantId]),
    called: (await cluster.query<{ place: string }>(
      `select a.run_id || '/' || a.path as place from workflow_attempts a join workflow_steps s using (tenant_id, run_id, path) where a.tenant_id = $1 and s.type = 'http' and (a.outcome = 'completed' or a.error ->> 'code' like 'http_%')`, [tenantId],
    )).map(({ place }) => place),
    keys: arrivals.flatMap(({ path, key }) => (path === '/down' ? [] : [key ?? 'none'])),
  };
}

/** Reads what the breaker of a tenant went through; times are those of the machine. */
export async function takeTransitions(cluster: Cluster, tenantId: string): Promise<{ to_state: string; at: number }[]> {
  return cluster.query(`select to_state, (extract(epoch from created_at) * 1000)::float8 as at from circuit_breaker_transitions where tenant_id = $1 order by id`, [tenantId]);
}
