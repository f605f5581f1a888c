import { isInRanges, rangesOf } from '../../platform/networks/ip-ranges.js';

export const IP_RULE_ACTIONS = ['allow', 'block'] as const;
export type IpRuleAction = (typeof IP_RULE_ACTIONS)[number];

/** One rule of a tenant, as it is stored. */
export interface IpRule {
  action: IpRuleAction;
  cidr: string;
  description: string | null;
}

/** What follows from the rules of a tenant together. */
export interface Ruling {
  admits(address: string | undefined): boolean;
}

/**
 * An address that a rule blocks is refused, whatever allows it. Where something is allowed, all else is refused. Their
 * order says nothing.
 */
export function rulingOf(rules: readonly IpRule[]): Ruling {
  const ranges = (action: IpRuleAction) => rangesOf(rules.filter((rule) => rule.action === action).map(({ cidr }) => cidr));
  const [allowed, blocked] = [ranges('allow'), ranges('block')];
  if (rules.length === 0) return { admits: () => true };
  return {
    admits: (address) => address !== undefined && !isInRanges(blocked, address) && (allowed.length === 0 || isInRanges(allowed, address)),
  };
}
