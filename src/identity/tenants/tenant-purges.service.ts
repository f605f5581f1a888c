import { Injectable } from '@nestjs/common';
import { Revocations } from '../../platform/cache/revocations.js';
import { ERASED } from '../../platform/erasure/erasures.js';
import { TenantPurges, type PurgeableTenant } from './tenant-purges.port.js';
import { TenantsRepository } from './tenants.repository.js';

/** Ends a tenant before its content goes. Its row stays, without a name, for its audit log. */
@Injectable()
export class TenantPurgesService extends TenantPurges {
  constructor(
    private readonly tenants: TenantsRepository,
    private readonly revocations: Revocations,
  ) {
    super();
  }

  hold(id: string): Promise<PurgeableTenant | undefined> {
    return this.tenants.lockPurgedToo(id);
  }

  async close(id: string): Promise<void> {
    await this.tenants.close(id, ERASED);
    this.revocations.afterCommit(`tenant:${id}`);
  }

  forget(id: string): Promise<void> {
    return this.revocations.revoke([`tenant:${id}`]);
  }
}
