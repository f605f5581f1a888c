import { TENANT } from './checker/snapshot.ts';
import type { AgentRow, AttemptRow, AuditRow, CheckpointRow, CommentRow, DependencyRow, EventRow, LeafRow, MemberRow, PurgeRow, Snapshot, TaskRow, WrappedRow } from './checker/snapshot.ts';
import type { WorkflowSnapshot } from './checker/check-workflows.ts';
import type { Cluster } from './cluster.ts';

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
export async function takeWorkflows(cluster: Cluster, tenantId: string): Promise<WorkflowSnapshot> {
  return {
    runs: await cluster.query('select id, workflow_id, status from workflow_runs where tenant_id = $1', [tenantId]),
    steps: await cluster.query(`select run_id, path, status, undoes from workflow_steps where tenant_id = $1 and type <> 'scope'`, [tenantId]),
    made: await cluster.query(`select run_id, path, attempt, made_id as task_id from workflow_attempts where tenant_id = $1 and made_kind = 'task'`, [tenantId]),
    tasks: await cluster.query(`select t.id, r.id as run_id from tasks t join workflow_runs r on r.tenant_id = $1 and t.created_by_id = 'workflow-run:' || r.id where t.tenant_id = $1`, [tenantId]),
  };
}
