import { type AgentContent, ERASED } from '../../platform/erasure/erasures.js';

/** That there was an approval, and how it was decided, stays: boards' rules ask for it. One that is open ends. */
export const APPROVAL_CONTENT: readonly AgentContent[] = [
  {
    table: 'approvals',
    key: [['id', 'uuid']],
    where: `(t.agent_id = $2::uuid or (t.requested_by_kind = 'agent' and t.requested_by_id = $2::text)) and t.action_hash <> ''`,
    set: `title = '${ERASED}', description = null, action = '{"kind": "erased", "arguments": {}}', action_hash = '', risk = null, reviewer_note = null, facts = '{}', request_seal = null, grant_seal = null,
      decisions = coalesce((select jsonb_agg(d || '{"note": null}') from jsonb_array_elements(t.decisions) as d), '[]'),
      status = case t.status when 'pending' then 'expired' else t.status end, revision = t.revision + 1, updated_at = now()`,
  },
  { table: 'approval_passes', key: [['id', 'uuid']], where: 't.agent_id = $2::uuid' },
];
