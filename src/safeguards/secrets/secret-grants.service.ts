import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { newId } from '../../core/ids.js';
import type { Page } from '../../core/page.js';
import { invalidField, notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import type { SecretGrant } from './secret-grant.entity.js';
import { SecretGrantsRepository } from './secret-grants.repository.js';
import type { Secret } from './secret.entity.js';
import type { CreateSecretGrantDto, ListSecretGrantsQuery } from './secret-grants.dto.js';
import { SecretsRepository } from './secrets.repository.js';

/** Who may use a secret. Nothing is kept in memory: what is granted or revoked here holds for the next use, in every process. */
@Injectable()
export class SecretGrantsService {
  constructor(
    private readonly context: RequestContext,
    private readonly secrets: SecretsRepository,
    private readonly grants: SecretGrantsRepository,
    private readonly agents: AgentsReader,
    private readonly boards: BoardsReader,
    private readonly audit: AuditPort,
  ) {}

  /** @throws Problem `not_found`, `invalid_request` for an agent or board that is not there, or a time that has passed */
  @Transactional()
  async create(secretId: string, { agent_id, board_id, expires_at, max_uses }: CreateSecretGrantDto): Promise<SecretGrant> {
    const { actor, tenantId } = this.context;
    const secret = await this.secret(secretId);
    if ((agent_id === undefined) === (board_id === undefined)) throw invalidField('agent_id', 'one_of', 'or board_id must be given, and not both');
    if (agent_id !== undefined && !(await this.agents.exists(agent_id))) throw invalidField('agent_id', 'not_found', 'is no agent');
    if (board_id !== undefined && !(await this.boards.exists(board_id))) throw invalidField('board_id', 'not_found', 'is no board');
    if (expires_at && Date.parse(expires_at) <= Date.now()) throw invalidField('expires_at', 'past', 'must be in the future');
    const id = newId();
    const row = { tenant_id: tenantId, id, secret_id: secretId, agent_id: agent_id ?? null, board_id: board_id ?? null, max_uses: max_uses ?? null };
    await this.grants.insert({ ...row, expires_at: expires_at ? new Date(expires_at) : null, created_by_kind: actor.kind, created_by_id: actor.id });
    const made = (await this.grants.find(tenantId, secretId, id)) ?? absent();
    await this.audit.record({ action: 'secret.grant', resource: { type: 'secret', id: secretId }, after: summaryOf(made), detail: { name: secret.name } });
    return made;
  }

  @Transactional()
  async list(secretId: string, { revoked, ...page }: ListSecretGrantsQuery): Promise<Page<SecretGrant>> {
    const { tenant_id } = await this.secret(secretId);
    return this.grants.page(tenant_id, secretId, revoked === 'true', page);
  }

  /** From its commit on no use is given. One that is revoked already stays so. */
  @Transactional()
  async revoke(secretId: string, id: string): Promise<void> {
    const { tenantId } = this.context;
    const found = (await this.grants.lock(tenantId, secretId, id)) ?? absent();
    checkIfMatch(this.context.get('ifMatch'), found);
    if (found.revoked_at) return;
    await this.grants.revoke(tenantId, id);
    await this.audit.record({ action: 'secret.grant.revoke', resource: { type: 'secret', id: secretId }, before: summaryOf(found) });
  }

  private async secret(id: string): Promise<Secret> {
    const secret = await this.secrets.find(this.context.tenantId, id);
    if (!secret) throw notFound('secret');
    return secret;
  }
}

function summaryOf({ id, agent_id, board_id, expires_at, max_uses, uses }: SecretGrant): object {
  return { grant_id: id, agent_id, board_id, expires_at, max_uses, uses };
}

function absent(): never {
  throw notFound('grant');
}
