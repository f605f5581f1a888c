import { type AgentContent, ERASED } from '../../platform/erasure/erasures.js';

const OF_AGENT = 't.agent_id = $2::uuid';

/** The row stays, without anything in it: tasks and attempts refer to it. */
export const AGENT_CONTENT: readonly AgentContent[] = [
  { table: 'agent_presence', key: [['agent_id', 'uuid']], where: OF_AGENT },
  { table: 'agent_tokens', key: [['id', 'uuid']], where: OF_AGENT },
  { table: 'agent_commands', key: [['id', 'uuid']], where: OF_AGENT },
  {
    table: 'agents',
    key: [['id', 'uuid']],
    where: `t.id = $2::uuid and t.slug <> 'erased-' || t.id`,
    set: `slug = 'erased-' || t.id, name = '${ERASED}', description = null, role = 'specialist', control_reason = null, llm_provider = null, llm_model = null, system_prompt = null,
      enabled_tools = '{}', temperature = null, max_tokens = null, worker_id = null, metadata = '{}', daily_budget_usd = null, revision = t.revision + 1, updated_at = now()`,
  },
];
