import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { SecretVersion, type VersionOrigin } from './secret-version.entity.js';

export interface NewSecretVersion {
  tenant_id: string;
  id: string;
  secret_id: string;
  version: number;
  sealed: Buffer;
  origin: VersionOrigin;
  copy_of: number | null;
  created_by_kind: string;
  created_by_id: string;
}

/** A version with what it takes to open it. */
export interface SealedVersion {
  version: number;
  sealed: Buffer | null;
  copy_of: number | null;
  /** Current, or within its grace time. */
  works: boolean;
}

/** The version that had this one's value first. */
export const originOf = ({ version, copy_of }: Pick<SealedVersion, 'version' | 'copy_of'>): number => copy_of ?? version;

/** Rows of `secret_versions`. */
@Injectable()
export class SecretVersionsRepository {
  constructor(private readonly sql: Sql) {}

  async insert(row: NewSecretVersion): Promise<void> {
    await this.sql.execute(
      `insert into secret_versions (tenant_id, id, secret_id, version, sealed, origin, copy_of, created_by_kind, created_by_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [row.tenant_id, row.id, row.secret_id, row.version, row.sealed, row.origin, row.copy_of, row.created_by_kind, row.created_by_id],
    );
  }

  find(tenantId: string, secretId: string, version: number): Promise<SealedVersion | undefined> {
    return this.sql.row<SealedVersion>(
      `select version, sealed, copy_of, sealed is not null and (works_until is null or works_until > clock_timestamp()) as works
       from secret_versions where tenant_id = $1 and secret_id = $2 and version = $3`,
      [tenantId, secretId, version],
    );
  }

  page(tenantId: string, secretId: string, request: PageRequest): Promise<Page<SecretVersion>> {
    const query = this.sql.manager.createQueryBuilder(SecretVersion, 'version').where('version.tenant_id = :tenantId and version.secret_id = :secretId', { tenantId, secretId });
    return pageOfQuery(query, request);
  }

  /** Lets the version that was current work on for a while. */
  async supersede(tenantId: string, secretId: string, version: number, graceSeconds: number): Promise<void> {
    await this.sql.execute(
      `update secret_versions set works_until = clock_timestamp() + make_interval(secs => $4) where tenant_id = $1 and secret_id = $2 and version = $3`,
      [tenantId, secretId, version, graceSeconds],
    );
  }

  /**
   * Destroys a value in every version that has it.
   * @param origin the first version that had it
   * @returns the versions that had it still
   */
  async destroy(tenantId: string, secretId: string, origin: number): Promise<number[]> {
    const rows = await this.sql.rows<{ version: number }>(
      `update secret_versions set sealed = null, destroyed_at = clock_timestamp()
       where tenant_id = $1 and secret_id = $2 and coalesce(copy_of, version) = $3 and destroyed_at is null returning version`,
      [tenantId, secretId, origin],
    );
    return rows.map(({ version }) => version).sort((a, b) => a - b);
  }
}
