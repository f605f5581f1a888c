import type { AgentContent } from '../../platform/erasure/erasures.js';

export const BOARD_CONTENT: readonly AgentContent[] = [
  { table: 'board_agents', key: [['board_id', 'uuid'], ['agent_id', 'uuid']], where: 't.agent_id = $2::uuid' },
  { table: 'board_memory', key: [['id', 'uuid']], where: `t.author_kind = 'agent' and t.author_id = $2::text` },
];
