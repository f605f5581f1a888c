import { type AgentContent, ERASED } from '../erasure/erasures.js';

/** Members of a fact in which somebody wrote; the others are ids, states and numbers. */
export const TEXTS = `array['name', 'title', 'error', 'reason', 'note', 'kind', 'risk']`;
export const MEANS_AGENT = `(t.data ->> 'agent_id' = $2::text or t.data ->> 'holder_id' = $2::text
  or exists (select from tasks made where made.tenant_id = $1::uuid and made.id::text = t.data ->> 'task_id' and made.created_by_kind = 'agent' and made.created_by_id = $2::text))`;

/** The facts stay, for those who follow them; what was written in them goes. */
export const EVENT_CONTENT: readonly AgentContent[] = [
  { table: 'events', key: [['tx', 'bigint'], ['seq', 'bigint']], where: `t.data ?| ${TEXTS} and ${MEANS_AGENT}`, set: `data = t.data - ${TEXTS}` },
  {
    table: 'event_dead_letters',
    key: [['consumer', 'text'], ['event_id', 'uuid']],
    where: `(t.data ?| ${TEXTS} or t.error <> '${ERASED}') and ${MEANS_AGENT}`,
    set: `data = t.data - ${TEXTS}, error = '${ERASED}'`,
  },
];
