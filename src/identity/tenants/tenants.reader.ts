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

  async resolve(idOrSlug: string, purgedToo = false): Promise<string | undefined> {
    const column = isId(idOrSlug) ? 'id' : 'slug';
    const rows = await this.database.query<{ id: string }>(`select id from tenants where ${column} = $1 and ($2 or purged_at is null)`, [idOrSlug, purgedToo]);
    return rows[0]?.id;
  }
}
