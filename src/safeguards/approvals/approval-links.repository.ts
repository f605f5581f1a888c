import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { ApprovalLink, type NewApprovalLink } from './approval-link.entity.js';

/** Where a token leads, before anything of it is believed. */
interface FoundLink {
  tenant_id: string;
  id: string;
  user_id: string;
  tenant_status: string;
}

const COLUMNS = ['tenant_id', 'id', 'approval_id', 'user_id', 'decision', 'token_hash', 'mfa', 'expires_at', 'seal'] as const satisfies readonly (keyof NewApprovalLink)[];

/** Whoever comes with one that has run out is told so for a while. */
const KEPT_DAYS = 30;
const BATCH = 5_000;

/** Rows of `approval_links`. */
@Injectable()
export class ApprovalLinksRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(row: NewApprovalLink): Promise<void> {
    await this.sql.execute(`insert into approval_links (${COLUMNS.join(', ')}) values (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`, COLUMNS.map((column) => row[column]));
  }

  /** Before it is known whose it is. */
  async byHash(hash: Buffer): Promise<FoundLink | undefined> {
    const [row] = await this.database.query<FoundLink>(
      `select l.tenant_id, l.id, l.user_id, t.status as tenant_status from approval_links l join tenants t on t.id = l.tenant_id where l.token_hash = $1`,
      [hash],
    );
    return row;
  }

  find(tenantId: string, id: string): Promise<ApprovalLink | null> {
    return this.sql.manager.createQueryBuilder(ApprovalLink, 'link').where('link.tenant_id = :tenantId and link.id = :id', { tenantId, id }).getOne();
  }

  /** Those that ran out days ago. @returns how many were removed */
  async removeOld(): Promise<number> {
    return this.database.execute(`delete from approval_links where ctid = any(array(select ctid from approval_links where expires_at < now() - make_interval(days => $1) limit $2))`, [KEPT_DAYS, BATCH]);
  }

  /** @returns false when it was used, or has run out */
  async use(tenantId: string, id: string): Promise<boolean> {
    const changed = await this.sql.execute(`update approval_links set used_at = clock_timestamp() where tenant_id = $1 and id = $2 and used_at is null and expires_at > clock_timestamp()`, [tenantId, id]);
    return changed > 0;
  }
}
