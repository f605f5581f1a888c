import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import type { SessionKind } from '../../platform/auth/browsers.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { estimateOf, idBefore, toPage, type Total, totalOf } from '../../platform/database/table.js';
import { ENDS_AT, WITH_POLICY } from './sessions.repository.js';

/** A session that someone could use now. */
export interface OpenSession {
  id: string;
  user_id: string;
  email: string;
  kind: SessionKind;
  ip: string | null;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  ends_at: Date;
}

const OPEN = `from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id ${WITH_POLICY}
  where s.tenant_id = $1 and ($2::uuid is null or s.user_id = $2) and s.ended_at is null and ${ENDS_AT} > now()`;

/** Reads the sessions of the context's tenant that are open. */
@Injectable()
export class OpenSessionsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  /** Newest first. */
  async page(userId: string | undefined, request: PageRequest): Promise<Page<OpenSession>> {
    const who = [this.context.tenantId, userId ?? null];
    const before = idBefore(request) ?? null;
    const rows = await this.sql.rows<OpenSession>(
      `select s.id, s.user_id, u.email, s.kind, host(s.ip) as ip, s.user_agent, s.created_at, s.last_used_at, ${ENDS_AT} as ends_at
       ${OPEN} and ($3::uuid is null or s.id < $3) order by s.id desc limit $4 offset $5`,
      [...who, before, request.limit + 1, before === null ? request.offset : 0],
    );
    const { total, beyond } = (await this.sql.row<Total>(totalOf(OPEN), who)) ?? { total: 0, beyond: false };
    const estimate = beyond ? estimateOf(await this.sql.rows(`explain (format json) select 1 ${OPEN}`, who)) : undefined;
    return toPage(rows, request, estimate ?? { total, estimated: false });
  }

  /** Whose an open session is. */
  async ownerOf(id: string): Promise<string | undefined> {
    const row = await this.sql.row<{ user_id: string }>('select user_id from sessions where tenant_id = $1 and id = $2 and ended_at is null', [
      this.context.tenantId,
      id,
    ]);
    return row?.user_id;
  }

  async hasUser(id: string): Promise<boolean> {
    return (await this.sql.rows('select 1 from users where tenant_id = $1 and id = $2', [this.context.tenantId, id])).length > 0;
  }
}
