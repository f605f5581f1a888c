import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { SsoIdentity } from './sso-identity.entity.js';

const COLUMNS = 'tenant_id, id, issuer, subject, user_id, provider_id, last_login_at, revision, created_at';

/** Rows of `sso_identities`, of the context's tenant. */
@Injectable()
export class SsoIdentitiesRepository {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  /** One sign-in of a subject at a time, also of one that nobody is yet: two at once would make two accounts. */
  async hold(issuer: string, subject: string): Promise<void> {
    await this.sql.execute('select pg_advisory_xact_lock(hashtextextended($1, 23))', [`${this.context.tenantId} ${issuer} ${subject}`]);
  }

  of(issuer: string, subject: string): Promise<SsoIdentity | undefined> {
    return this.sql.row<SsoIdentity>(`select ${COLUMNS} from sso_identities where tenant_id = $1 and issuer = $2 and subject = $3`, [this.context.tenantId, issuer, subject]);
  }

  /** The one that the user signed in with last. */
  latestOf(userId: string): Promise<(SsoIdentity & { id_token: Buffer | null }) | undefined> {
    return this.sql.row(`select ${COLUMNS}, id_token from sso_identities where tenant_id = $1 and user_id = $2 order by last_login_at desc nulls last limit 1`, [this.context.tenantId, userId]);
  }

  page(userId: string | undefined, page: PageRequest): Promise<Page<SsoIdentity>> {
    const query = this.sql.manager.createQueryBuilder(SsoIdentity, 'i').where('i.tenant_id = :tenantId', { tenantId: this.context.tenantId });
    if (userId !== undefined) query.andWhere('i.user_id = :userId', { userId });
    return pageOfQuery(query, page);
  }

  lock(id: string): Promise<SsoIdentity | undefined> {
    return this.sql.row<SsoIdentity>(`select ${COLUMNS} from sso_identities where tenant_id = $1 and id = $2 for update`, [this.context.tenantId, id]);
  }

  async insert(identity: { id: string; issuer: string; subject: string; userId: string; providerId: string }): Promise<SsoIdentity> {
    const rows = await this.sql.rows<SsoIdentity>(
      `insert into sso_identities (tenant_id, id, issuer, subject, user_id, provider_id) values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
      [this.context.tenantId, identity.id, identity.issuer, identity.subject, identity.userId, identity.providerId],
    );
    return rows[0] as SsoIdentity;
  }

  /** Notes a sign-in; the token is what the provider wants to see again at the sign-out. */
  async signedIn(id: string, providerId: string, idToken: Buffer): Promise<void> {
    await this.sql.execute('update sso_identities set last_login_at = now(), provider_id = $3, id_token = $4 where tenant_id = $1 and id = $2', [
      this.context.tenantId,
      id,
      providerId,
      idToken,
    ]);
  }

  async remove(id: string): Promise<void> {
    await this.sql.execute('delete from sso_identities where tenant_id = $1 and id = $2', [this.context.tenantId, id]);
  }
}
