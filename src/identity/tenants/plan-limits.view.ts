import type { LimitName } from '../../core/plan-limits.js';
import type { Usage } from './plan-limits.service.js';
import type { Tenant } from './tenant.entity.js';

/** Limits that a tenant has of its own. null is no limit; what is left out is as its plan says. */
export class LimitsView {
  /** @example 50 */
  agents?: number | null;
  /** @example 20 */
  boards?: number | null;
  /** @example 25 */
  users?: number | null;
  /** @example 10000 */
  open_tasks?: number | null;
  /** @example 100 */
  api_keys?: number | null;
  /** @example null */
  secrets?: number | null;
  /** @example 20 */
  webhooks?: number | null;
  /** @example 50 */
  triggers?: number | null;
  /** @example 200 */
  workflows?: number | null;
  /** @example 1000 */
  open_workflow_runs?: number | null;
  /** @example 500 */
  waiting_approvals?: number | null;
  /** @example 6000 */
  requests_per_minute?: number | null;
}

/** A limit, and its use. */
export class UsageView {
  /**
   * agents, boards, users (active), open_tasks (that have not ended), api_keys (in force), secrets, webhooks, triggers, workflows, open_workflow_runs (that have not ended), waiting_approvals (undecided), requests_per_minute.
   * @example agents
   */
  name!: LimitName;
  /**
   * null: there is none.
   * @example 50
   */
  limit!: number | null;
  /**
   * null for requests_per_minute, which the answers' RateLimit headers tell.
   * @example 12
   */
  used!: number | null;
  /**
   * null without a limit.
   * @example 38
   */
  left!: number | null;
}

/** What a tenant may have and has. */
export class TenantUsageView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  tenant_id!: string;
  /** @example team */
  plan!: string;
  /** One for each limit there is. */
  usage!: UsageView[];
}

export function toUsageView({ tenant, usages }: { tenant: Tenant; usages: readonly Usage[] }): TenantUsageView {
  const usage = usages.map(({ name, limit, used }) => ({ name, limit, used, left: limit === null || used === null ? null : Math.max(0, limit - used) }));
  return { tenant_id: tenant.id, plan: tenant.plan, usage };
}
