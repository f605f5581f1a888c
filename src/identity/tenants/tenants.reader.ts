import { Injectable } from '@nestjs/common';
import { isId } from '../../core/ids.js';
import { TenantResolver } from '../../platform/auth/tenant-resolver.js';
import { SystemDatabase } from '../../platform/database/system-database.js';

/** Finds tenants by id or slug, for operators. */
@Injectable()
export class TenantsReader extends TenantResolver {
  constructor(private readonly database: SystemDatabase) {
    super();
  }

  async resolve(idOrSlug: string): Promise<string | undefined> {
    const column = isId(idOrSlug) ? 'id' : 'slug';
    const rows = await this.database.query<{ id: string }>(`select id from tenants where ${column} = $1`, [idOrSlug]);
    return rows[0]?.id;
  }
}
