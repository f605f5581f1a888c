import type { IpRuleAction } from './ip-rule.js';
import type { StoredIpRules } from './ip-rules.service.js';

/** One rule. */
export class IpRuleView {
  /** @example allow */
  action!: IpRuleAction;
  /** @example 10.20.0.0/16 */
  cidr!: string;
  /** @example "Office" */
  description!: string | null;
}

/** From which addresses the tenant is worked in. */
export class IpRulesView {
  /**
   * The tenant's.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  id!: string;
  rules!: IpRuleView[];
  /**
   * The address that this request came from, as the rules see it.
   * @example 10.20.3.4
   */
  your_address!: string | null;
  /**
   * Grows by one with every change; part of the ETag.
   * @example 1
   */
  revision!: number;
  /**
   * When the rules were changed last; null while there never were any.
   * @example 2026-01-31T09:30:00.000Z
   */
  updated_at!: string | null;
}

export function toIpRulesView({ id, rules, revision, updated_at }: StoredIpRules, address: string | undefined): IpRulesView {
  return {
    id,
    rules: rules.map(({ action, cidr, description }) => ({ action, cidr, description })),
    your_address: address ?? null,
    revision,
    updated_at: updated_at?.toISOString() ?? null,
  };
}
