import type { AgentContent } from '../../platform/erasure/erasures.js';
import { MEANS_AGENT, TEXTS } from '../../platform/events/events.erasure.js';

/** As of the events that they are of: that something was sent stays, what was written in it goes, and what the receiver said to it. */
export const WEBHOOK_CONTENT: readonly AgentContent[] = [
  {
    table: 'webhook_deliveries',
    key: [['id', 'uuid']],
    where: `(t.data ?| ${TEXTS} or jsonb_path_exists(t.attempts, '$[*].answer ? (@ != null)')) and ${MEANS_AGENT}`,
    set: `data = t.data - ${TEXTS}, attempts = (select coalesce(jsonb_agg(a || '{"answer": null}' order by n), '[]') from jsonb_array_elements(t.attempts) with ordinality as e (a, n))`,
  },
];
