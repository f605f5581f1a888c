import { type AgentContent, ERASED } from '../../platform/erasure/erasures.js';

/** That there was a notice stays, with what kind it was of. */
export const NOTIFICATION_CONTENT: readonly AgentContent[] = [
  {
    table: 'notifications',
    key: [['inbox', 'uuid'], ['id', 'uuid']],
    where: `t.agent_id = $2::uuid and t.title <> '${ERASED}'`,
    set: `title = '${ERASED}', body = null, metadata = '{}', revision = t.revision + 1`,
  },
];
