import { type AgentContent, ERASED } from '../../platform/erasure/erasures.js';

/** The text of the result is the agent's whose attempt completed last; that of the error, of who failed with it or was the last to try. */
const PRODUCED = `exists (
  select from task_attempts a where a.tenant_id = $1::uuid and a.task_id = t.id and a.agent_id = $2::uuid and (a.error = t.error or not exists (
    select from task_attempts b where b.tenant_id = $1::uuid and b.task_id = t.id and b.fence > a.fence and (a.outcome <> 'completed' or b.outcome = 'completed')
  ))
)`;
const NOTE_IS_LEFT = 't.progress_note is not null and t.claimed_by is null';
const MADE_BY_AGENT = `t.created_by_kind = 'agent' and t.created_by_id = $2::text`;
const WAITS = `t.status in ('inbox', 'queued', 'blocked')`;
const SAYS_SOMETHING = `(e ->> 'error' is not null or e -> 'usage' ->> 'model' is not null)`;
const ELEMENTS = 'jsonb_array_elements(t.attempts) as e';

/**
 * What the agent produced goes; what the tenant told it to do is the tenant's and stays. A task that the agent itself made
 * loses what it says, and is cancelled when nobody has begun it. Tasks come before attempts: those say whose a text is.
 */
export const TASK_CONTENT: readonly AgentContent[] = [
  {
    table: 'tasks',
    key: [['id', 'uuid']],
    where: `(t.result is not null or t.output_files is not null or t.error is not null or (${NOTE_IS_LEFT})) and ${PRODUCED}`,
    set: `result = null, output_files = null, error = null, progress_note = case when t.claimed_by is null then null else t.progress_note end, revision = t.revision + 1, updated_at = now()`,
  },
  {
    table: 'tasks',
    key: [['id', 'uuid']],
    where: `${MADE_BY_AGENT} and (t.title <> '${ERASED}' or t.description is not null or t.instructions is not null or t.payload is not null)`,
    set: `title = '${ERASED}', description = null, instructions = null, payload = null, status = case when ${WAITS} then 'cancelled' else t.status end,
      ready = t.ready and not ${WAITS}, completed_at = case when ${WAITS} then now() else t.completed_at end,
      cancel_reason = case when ${WAITS} then 'The agent that made the task was purged.' else t.cancel_reason end, revision = t.revision + 1, updated_at = now()`,
  },
  {
    table: 'dead_letters',
    key: [['id', 'uuid']],
    where: `exists (select from ${ELEMENTS} where e ->> 'agent_id' = $2::text and ${SAYS_SOMETHING})`,
    set: `reason = case when exists (select from ${ELEMENTS} where e ->> 'agent_id' = $2::text and e ->> 'error' is not null) then '${ERASED}' else t.reason end, attempts = (select jsonb_agg(case when e ->> 'agent_id' = $2::text then (e || '{"error": null}') #- '{usage,model}' else e end) from ${ELEMENTS})`,
  },
  {
    table: 'dead_letters',
    key: [['id', 'uuid']],
    where: `t.title <> '${ERASED}' and exists (select from tasks made where made.tenant_id = $1::uuid and made.id = t.task_id and made.created_by_kind = 'agent' and made.created_by_id = $2::text)`,
    set: `title = '${ERASED}'`,
  },
  {
    // Who tried next and gave the task back was answered with what this one had failed with.
    table: 'task_attempts',
    key: [['task_id', 'uuid'], ['fence', 'bigint']],
    where: `t.agent_id is distinct from $2::uuid and t.answer ->> 'error' is not null and exists (
      select from task_attempts a where a.tenant_id = $1::uuid and a.task_id = t.task_id and a.agent_id = $2::uuid and a.error = t.answer ->> 'error'
    )`,
    set: `answer = jsonb_set(t.answer, '{error}', 'null')`,
  },
  {
    table: 'task_attempts',
    key: [['task_id', 'uuid'], ['fence', 'bigint']],
    where: `t.agent_id = $2::uuid and (t.error is not null or t.answer is not null or t.usage ->> 'model' is not null)`,
    set: `error = null, answer = null, usage = t.usage #- '{model}'`,
  },
  { table: 'task_comments', key: [['id', 'uuid']], where: `t.author_kind = 'agent' and t.author_id = $2::text` },
];
