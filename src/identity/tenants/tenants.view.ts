import { LimitsView } from './plan-limits.view.js';
import type { Tenant, TenantStatus } from './tenant.entity.js';

/** An organisation. */
export class TenantView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * Unique in the installation; it stands for the id where people type.
   * @example acme
   */
  slug!: string;
  /** @example "Acme Ltd" */
  name!: string;
  /** @example free */
  plan!: string;
  /** What it may have at most where that differs from its plan. */
  limits!: LimitsView;
  /**
   * A suspended tenant's users, keys and agents are refused.
   * @example active
   */
  status!: TenantStatus;
  /**
   * Why it was suspended.
   * @example null
   */
  suspended_reason!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
  /**
   * Grows by one with every change; part of the ETag.
   * @example 1
   */
  revision!: number;
}

export function toTenantView(tenant: Tenant): TenantView {
  return {
    id: tenant.id,
    slug: tenant.slug,
    name: tenant.name,
    plan: tenant.plan,
    limits: tenant.limits,
    status: tenant.status,
    suspended_reason: tenant.suspended_reason,
    created_at: tenant.created_at.toISOString(),
    updated_at: tenant.updated_at.toISOString(),
    revision: tenant.revision,
  };
}

/** What the audit log keeps of a tenant. */
export function auditedTenant({ slug, name, plan, limits, status, suspended_reason }: Tenant): object {
  return { slug, name, plan, limits, status, suspended_reason };
}
