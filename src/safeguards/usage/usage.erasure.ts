import type { AgentContent } from '../../platform/erasure/erasures.js';

/** What it cost the tenant stays; the model is what the agent said. By day there is one row for each: they stay apart. */
export const USAGE_CONTENT: readonly AgentContent[] = [
  { table: 'usage_entries', key: [['id', 'bigint']], where: `t.agent_id = $2::uuid and t.model <> ''`, set: `model = ''` },
  {
    table: 'usage_daily',
    key: [['day', 'date'], ['agent_id', 'uuid'], ['source', 'text'], ['model', 'text']],
    where: `t.agent_id = $2::uuid and t.model <> '' and t.model not like 'erased %'`,
    set: `model = 'erased ' || gen_random_uuid()`,
  },
];
