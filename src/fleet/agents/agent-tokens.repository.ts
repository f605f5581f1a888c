import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { ControlState } from './agent-status.js';

/** What a token, or a bootstrap pair, stands for: everything a check needs in one row. */
export interface AgentCredentialRow {
  tenant_id: string;
  tenant_slug: string;
  tenant_status: 'active' | 'suspended';
  token_id: string;
  agent_id: string;
  slug: string;
  is_active: boolean;
  control_state: ControlState;
  /** Milliseconds until the token expires, by the database's clock; null when it does not. */
  expires_in_ms: number | null;
}

export interface NewAgentToken {
  id: string;
  tenant_id: string;
  agent_id: string;
  prefix: string;
  token_hash: Buffer;
}

/** Rows of `agent_tokens`. Checking one happens before the tenant is known, so it goes through the system's door. */
@Injectable()
export class AgentTokensRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert({ tenant_id, id, agent_id, prefix, token_hash }: NewAgentToken): Promise<void> {
    await this.sql.execute('insert into agent_tokens (tenant_id, id, agent_id, prefix, token_hash) values ($1, $2, $3, $4, $5)', [tenant_id, id, agent_id, prefix, token_hash]);
  }

  /**
   * Ends every token of an agent after `seconds`; one that ends earlier anyway is not prolonged.
   * @returns the time they end, by the database's clock
   */
  async endAll(tenantId: string, agentId: string, seconds: number): Promise<Date> {
    const row = await this.sql.row<{ ends_at: Date }>(
      `with ended as (
         update agent_tokens set expires_at = least(expires_at, now() + make_interval(secs => $3)), revoked_at = case when $3 = 0 then now() end
         where tenant_id = $1 and agent_id = $2 and revoked_at is null and (expires_at is null or expires_at > now())
       )
       select (now() + make_interval(secs => $3))::timestamptz(3) as ends_at`,
      [tenantId, agentId, seconds],
    );
    return row?.ends_at ?? new Date();
  }

  /** The agent behind a token's hash; undefined when the token is unknown, revoked or expired, or its agent deleted. */
  async findByHash(hash: Buffer): Promise<AgentCredentialRow | undefined> {
    const rows = await this.database.query<AgentCredentialRow>(
      `select token.tenant_id, tenant.slug as tenant_slug, tenant.status as tenant_status, token.id as token_id, agent.id as agent_id, agent.slug,
         agent.is_active, agent.control_state, (extract(epoch from token.expires_at - now()) * 1000)::double precision as expires_in_ms
       from agent_tokens token
       join agents agent on agent.tenant_id = token.tenant_id and agent.id = token.agent_id and agent.deleted_at is null
       join tenants tenant on tenant.id = token.tenant_id
       where token.token_hash = $1 and token.revoked_at is null and (token.expires_at is null or token.expires_at > now())`,
      [hash],
    );
    return rows[0];
  }

  /** The agent of a tenant by its slug, for bootstrap pairs. */
  async findBySlug(tenantId: string, slug: string): Promise<AgentCredentialRow | undefined> {
    const rows = await this.database.query<AgentCredentialRow>(
      `select tenant.id as tenant_id, tenant.slug as tenant_slug, tenant.status as tenant_status, 'bootstrap' as token_id, agent.id as agent_id, agent.slug,
         agent.is_active, agent.control_state, null::double precision as expires_in_ms
       from tenants tenant join agents agent on agent.tenant_id = tenant.id and agent.slug = $2 and agent.deleted_at is null
       where tenant.id = $1`,
      [tenantId, slug],
    );
    return rows[0];
  }

  async tenantStatus(tenantId: string): Promise<string | undefined> {
    const rows = await this.database.query<{ status: string }>('select status from tenants where id = $1', [tenantId]);
    return rows[0]?.status;
  }
}
