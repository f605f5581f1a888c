import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { CertifiedTree } from '../../core/audit/certificate.js';
import { PURGE_ACTION, type PurgeRecord } from '../../core/audit/purge-record.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AgentPurges } from '../../fleet/agents/agent-purges.port.js';
import { TenantPurges } from '../../identity/tenants/tenant-purges.port.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Keyring } from '../../platform/crypto/keyring.js';
import { OtherTenant } from '../../platform/database/other-tenant.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { AuditTrees } from '../../safeguards/audit/audit-trees.reader.js';
import type { Purge } from './purge.entity.js';
import { PURGE_JOB, type PurgeJob } from './purge-job.js';
import type { PurgeDto } from './purges.dto.js';
import { PurgesRepository } from './purges.repository.js';

/**
 * Begins purges. One transaction cuts the entity off, destroys its keys and leaves the job that erases the rest: from its
 * commit on no credential of the entity works, and nothing that was sealed about it opens, in any process.
 */
@Injectable()
export class PurgesService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: PurgesRepository,
    private readonly agents: AgentPurges,
    private readonly tenants: TenantPurges,
    private readonly otherTenant: OtherTenant,
    private readonly keyring: Keyring,
    private readonly trees: AuditTrees,
    private readonly jobs: Jobs,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  page(page: PageRequest): Promise<Page<Purge>> {
    return this.repository.page(this.context.tenantId, page);
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async get(id: string): Promise<Purge> {
    const purge = await this.repository.find(this.context.tenantId, id);
    if (!purge) throw notFound('purge');
    return purge;
  }

  /**
   * What has been purged, or is being, is answered again.
   * @throws Problem `fresh_sign_in_required`, `not_found`, `forbidden`, `operator_tenant`, `unprocessable` for another's name, `conflict` for the active conductor
   */
  async request(request: PurgeDto): Promise<Purge> {
    requireFreshAuthority(this.context);
    const { tenantId } = this.context;
    // Read before the transaction: one that holds a connection and waits for another stops all when many do.
    const tree = await this.trees.newest(request.entity_type === 'tenant' && tenantId === OPERATOR_TENANT_ID ? request.entity_id.toLowerCase() : tenantId);
    return this.requestSince(tree, request);
  }

  /** @param tree the log as it was before */
  @Transactional()
  protected async requestSince(tree: CertifiedTree | null, request: PurgeDto): Promise<Purge> {
    const entity = await (request.entity_type === 'agent' ? this.agents.hold(request.entity_id) : this.holdTenant(request.entity_id));
    if (!entity) throw notFound(request.entity_type);
    const known = await this.repository.ofEntity(this.context.tenantId, request.entity_type, entity.id);
    if (known) return known;
    if (request.confirm !== undefined && ![entity.slug, entity.name].includes(request.confirm)) {
      throw new Problem('unprocessable', { detail: `confirm is neither the slug nor the name of this ${request.entity_type}.`, remedy: 'See whether entity_id is the one that is meant.' });
    }
    return this.begin(newId(), entity.id, request, tree);
  }

  private async holdTenant(id: string): ReturnType<TenantPurges['hold']> {
    const { tenantId } = this.context;
    if (tenantId === OPERATOR_TENANT_ID && id.toLowerCase() === OPERATOR_TENANT_ID) throw new Problem('operator_tenant', { detail: 'The tenant of the operator cannot be purged.' });
    if (tenantId === OPERATOR_TENANT_ID) return this.tenants.hold(id);
    if (id.toLowerCase() === tenantId) throw new Problem('forbidden', { detail: 'Only administrators of the operator tenant purge tenants.' });
    return undefined;
  }

  private async begin(id: string, entityId: string, { entity_type, reason = null }: PurgeDto, tree: CertifiedTree | null): Promise<Purge> {
    const { tenantId, actor } = this.context;
    // About the purge, not about who is purged: these two rows stay readable.
    const detail: PurgeRecord = { purge_id: id, reason, entity_type, entity_id: entityId };
    const entry = { action: PURGE_ACTION, resource: { type: entity_type, id: entityId }, detail };
    await this.audit.record({ ...entry, subject: { type: 'tenant', id: tenantId } });
    await (entity_type === 'agent' ? this.endAgent(entityId) : this.endTenant(entityId, entry));
    await this.repository.insert({ tenant_id: tenantId, id, entity_type, entity_id: entityId, reason, requested_by_kind: actor.kind, requested_by_id: actor.id, tree_before: tree });
    await this.jobs.enqueue<PurgeJob>(PURGE_JOB, { purge_id: id });
    return this.get(id);
  }

  private async endAgent(id: string): Promise<void> {
    await this.agents.cutOff(id);
    await this.keyring.destroyForGood(this.context.tenantId, { type: 'agent', id });
  }

  /** Its own log says last that it was purged. What the operator's log says of it is sealed under a key of its own. */
  private async endTenant(id: string, entry: Parameters<AuditPort['record']>[0]): Promise<void> {
    await this.otherTenant.actFor(id, async () => {
      await this.audit.record(entry);
      await this.keyring.destroyForGood(id, 'all');
    });
    await this.keyring.destroyForGood(OPERATOR_TENANT_ID, { type: 'tenant', id });
    await this.tenants.close(id);
  }
}
