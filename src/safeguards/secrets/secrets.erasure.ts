import type { AgentContent } from '../../platform/erasure/erasures.js';

export const GRANT_CONTENT: readonly AgentContent[] = [{ table: 'secret_grants', key: [['id', 'uuid']], where: 't.agent_id = $2::uuid' }];
