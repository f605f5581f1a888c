import type { CircuitBreaker } from './circuit-breaker.entity.js';

const PREFIX = 'circuit-breakers:';
export const GLOBAL_BREAKERS = `${PREFIX}global`;

/** What is known of the breakers of a tenant rests on this tag, and on that of the global ones. */
export const breakersTag = (tenantId: string): string => `${PREFIX}${tenantId}`;

export const breakerTag = ({ scope, tenant_id }: Pick<CircuitBreaker, 'scope' | 'tenant_id'>): string => (scope === 'global' ? GLOBAL_BREAKERS : breakersTag(tenant_id));

/** Whose breakers a revocation was about: a tenant's, `all` tenants', or nobody's. */
export function tenantOfTag(tag: string): string | undefined {
  if (!tag.startsWith(PREFIX)) return undefined;
  return tag === GLOBAL_BREAKERS ? 'all' : tag.slice(PREFIX.length);
}
