import type { TenantView } from './tenants.view.js';

/** What other domains do as the operator. */
export abstract class OperatorTenant {
  /** Names it, in the running transaction of the operator tenant. */
  abstract rename(name: string): Promise<void>;
  /** Makes a tenant, in the running transaction of the operator tenant. @throws Problem `slug_taken` */
  abstract found(tenant: { name: string; slug: string }): Promise<TenantView>;
}
