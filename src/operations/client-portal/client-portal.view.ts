import type { Used } from '../../safeguards/usage/usage.reader.js';
import { type CountsSince, MOST_COUNTED } from '../../work/tasks/tasks.reader.js';

/** The agents of the tenant. */
export class ClientAgentCountsView {
  /** @example 3 */
  total!: number;
  /**
   * A status without agents is left out.
   * @example { "idle": 2, "offline": 1 }
   */
  by_status!: Record<string, number>;
}

/** The tasks that were made since a time. */
export class ClientTaskCountsView {
  /** @example 2026-01-31T00:00:00.000Z */
  since!: string;
  /** @example 12 */
  total!: number;
  /**
   * By the status they have now; a status without tasks is 0.
   * @example { "queued": 2, "completed": 9, "dead_letter": 1 }
   */
  by_status!: Record<string, number>;
  /** @example 9 */
  completed!: number;
  /**
   * What share of those counted that were completed or given up was completed; null when there are none.
   * @example 0.9
   */
  success_rate!: number | null;
  /**
   * Of a status the newest 10,000 are counted: with true there are more than it says.
   * @example false
   */
  is_minimum!: boolean;
}

export class ClientTaskWindowsView {
  /** Since midnight. */
  today!: ClientTaskCountsView;
  /** Today and the 6 days before. */
  last_7_days!: ClientTaskCountsView;
  /** Today and the 29 days before. */
  last_30_days!: ClientTaskCountsView;
}

/** How the work goes. */
export class ClientDashboardView {
  agents!: ClientAgentCountsView;
  tasks!: ClientTaskWindowsView;
  /** @example 1 */
  approvals_waiting!: number;
  /**
   * In USD.
   * @example 12.5
   */
  cost_this_month_usd!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  generated_at!: string;
}

/** An agent, as clients see it. */
export class ClientAgentView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Code reviewer" */
  name!: string;
  /**
   * What it is for.
   * @example specialist
   */
  type!: string;
  /** @example idle */
  status!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  last_seen_at!: string | null;
}

/** What was used. */
export class ClientCostView {
  /**
   * In USD.
   * @example 12.5
   */
  cost_usd!: number;
  /** @example 850000 */
  input_tokens!: number;
  /** @example 120000 */
  output_tokens!: number;
}

export class ClientDayCostView extends ClientCostView {
  /** @example 2026-01-31 */
  day!: string;
}

export class ClientAgentCostView extends ClientCostView {
  /**
   * null: all agents together that cost less than the hundred before them.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  agent_id!: string | null;
  /** @example "Code reviewer" */
  agent_name!: string | null;
}

/** What the tenant has cost. */
export class ClientCostsView {
  /**
   * The first day.
   * @example 2026-01-01
   */
  from!: string;
  /**
   * The last day.
   * @example 2026-01-31
   */
  to!: string;
  total!: ClientCostView;
  /** Each day, first to last. */
  by_day!: ClientDayCostView[];
  /** The agents that cost anything, the dearest first. */
  by_agent!: ClientAgentCostView[];
}

export const NOTHING: Used = { cost_usd: 0, input_tokens: 0, output_tokens: 0 };

export function toTaskCountsView(since: Date, counts: CountsSince): ClientTaskCountsView {
  const all = Object.values(counts);
  const ended = counts.completed + counts.dead_letter;
  return {
    since: since.toISOString(),
    total: all.reduce((sum, count) => sum + count, 0),
    by_status: counts,
    completed: counts.completed,
    success_rate: ended === 0 ? null : Math.round((counts.completed / ended) * 10_000) / 10_000,
    is_minimum: all.some((count) => count >= MOST_COUNTED),
  };
}
