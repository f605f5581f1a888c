import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { PendingSignIns } from '../sessions/pending-sign-ins.port.js';

export interface SsoFlow {
  tenant_id: string;
  provider_id: string;
  browser_hash: Buffer;
  nonce: string;
  code_verifier: string;
  redirect_uri: string;
  return_to: string | null;
  link_user_id: string | null;
  /** The session that the link was begun in. */
  link_session_id: string | null;
}

export interface NewFlow extends Omit<SsoFlow, 'tenant_id'> {
  state_hash: Buffer;
  seconds: number;
}

export interface SsoCode {
  tenant_id: string;
  provider_id: string;
  user_id: string;
  browser_hash: Buffer;
  amr: string[];
}

/** Rows of `sso_flows` and `sso_codes`: each is taken once. */
@Injectable()
export class SsoFlowsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
    pending: PendingSignIns,
  ) {
    pending.register((userId) => this.forgetCodes(userId));
  }

  async insertFlow(flow: NewFlow): Promise<void> {
    await this.sql.execute(
      `insert into sso_flows (tenant_id, state_hash, provider_id, browser_hash, nonce, code_verifier, redirect_uri, return_to, link_user_id, link_session_id, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(secs => $11))`,
      [this.context.tenantId, flow.state_hash, flow.provider_id, flow.browser_hash, flow.nonce, flow.code_verifier, flow.redirect_uri, flow.return_to, flow.link_user_id, flow.link_session_id, flow.seconds],
    );
  }

  /** Before the tenant is known: takes a flow, when the browser is the one that began it. Another browser leaves it as it is. */
  async takeFlow(stateHash: Buffer, browsers: readonly Buffer[]): Promise<SsoFlow | undefined> {
    const rows = await this.database.query<SsoFlow>(
      `delete from sso_flows where state_hash = $1 and browser_hash = any($2::bytea[]) and expires_at > now()
       returning tenant_id, provider_id, browser_hash, nonce, code_verifier, redirect_uri, return_to, link_user_id, link_session_id`,
      [stateHash, browsers],
    );
    return rows[0];
  }

  async insertCode(code: { hash: Buffer; browserHash: Buffer; providerId: string; userId: string; amr: string[]; seconds: number }): Promise<void> {
    await this.sql.execute(
      `insert into sso_codes (tenant_id, code_hash, browser_hash, provider_id, user_id, amr, expires_at) values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))`,
      [this.context.tenantId, code.hash, code.browserHash, code.providerId, code.userId, code.amr, code.seconds],
    );
  }

  /** Before the tenant is known. Whoever brings a code from another browser has stolen it: it is worth nothing afterwards either. */
  async takeCode(hash: Buffer, browsers: readonly Buffer[]): Promise<SsoCode | undefined> {
    const rows = await this.database.query<SsoCode & { fits: boolean }>(
      `delete from sso_codes c using sso_providers p where c.code_hash = $1 and p.tenant_id = c.tenant_id and p.id = c.provider_id
       returning c.tenant_id, c.provider_id, c.user_id, c.amr, c.browser_hash, c.browser_hash = any($2::bytea[]) and c.expires_at > now() and p.is_active as fits`,
      [hash, browsers],
    );
    return rows[0]?.fits === true ? rows[0] : undefined;
  }

  private async forgetCodes(userId: string): Promise<void> {
    await this.sql.execute('delete from sso_codes where tenant_id = $1 and user_id = $2', [this.context.tenantId, userId]);
  }

  async removeOld(): Promise<void> {
    await this.database.execute('delete from sso_flows where expires_at < now()');
    await this.database.execute('delete from sso_codes where expires_at < now()');
  }
}
