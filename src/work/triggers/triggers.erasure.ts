import type { AgentContent } from '../../platform/erasure/erasures.js';

/** What happened stays, by its name; what was written in it goes. */
export const TRIGGER_CONTENT: readonly AgentContent[] = [
  {
    table: 'trigger_firings',
    key: [['id', 'uuid']],
    where: `t.event -> 'data' <> '{}' and (t.event -> 'data' ->> 'agent_id' = $2::text or t.event -> 'data' ->> 'holder_id' = $2::text)`,
    set: `event = jsonb_set(t.event, '{data}', '{}'), reason = case when t.status = 'failed' then 'erased' else t.reason end`,
  },
];
