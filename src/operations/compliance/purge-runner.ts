import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { CERTIFICATE_FORMAT, type PurgeCertificate, type SignedCertificate } from '../../core/audit/certificate.js';
import { PURGE_ACTION } from '../../core/audit/purge-record.js';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { TenantPurges } from '../../identity/tenants/tenant-purges.port.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { type DestroyedKey, Keyring } from '../../platform/crypto/keyring.js';
import { OtherTenant } from '../../platform/database/other-tenant.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { AuditTrees } from '../../safeguards/audit/audit-trees.reader.js';
import { Erasing } from './erasing.service.js';
import type { Purge } from './purge.entity.js';
import { PURGE_JOB, PURGED_ACTION, type PurgeJob } from './purge-job.js';
import { PurgesRepository } from './purges.repository.js';

const LOOK_MS = 50;
/** A transaction that runs for longer, or a sequencer that is away, is waited for no more: the second look comes. */
const LONGEST_WAIT_MS = 30_000;
const SECOND_LOOK_SECONDS = 120;
/** Between looks for what goes on for longer. */
const LATER_LOOK_SECONDS = 600;
const LONGEST_RUN_SECONDS = 6 * 3_600;
/** One whose process has died is taken up by another one after that. */
const HEARTBEAT_SECONDS = 10;
/** It is tried until it is done: nobody would ask a second time. */
const RETRIES = 1_000;

/** Does what a purge has begun, and certifies it. */
@Injectable()
export class PurgeRunner implements OnModuleInit {
  constructor(
    private readonly context: RequestContext,
    private readonly jobs: Jobs,
    private readonly repository: PurgesRepository,
    private readonly erasing: Erasing,
    private readonly keyring: Keyring,
    private readonly tenants: TenantPurges,
    private readonly otherTenant: OtherTenant,
    private readonly trees: AuditTrees,
    private readonly audit: AuditPort,
  ) {}

  onModuleInit(): void {
    this.jobs.define<PurgeJob>(PURGE_JOB, (job, { signal }) => this.run(job, signal), { retries: RETRIES, retryDelayMaxSeconds: 60, timeoutSeconds: LONGEST_RUN_SECONDS, heartbeatSeconds: HEARTBEAT_SECONDS, whileSuspended: true });
  }

  async run({ purge_id: id, again = false, unfinished: before = 0 }: PurgeJob, signal: AbortSignal): Promise<void> {
    const purge = await this.find(id);
    // Its own tenant may have been purged since.
    if (!purge) return;
    const unfinished = await this.erasing.unfinished(purge);
    // Nothing has ended since: there is nothing to be found.
    if (again && unfinished > 0 && unfinished === before) return this.lookLater(id, unfinished);
    await waitUntil(async () => !(await this.isAnyoneBefore(purge)), signal);
    await this.destroyLateKeys(purge);
    const erased = await this.erasing.erase(purge, signal);
    if (again && unfinished > 0) await this.lookLater(id, unfinished);
    if (again && erased === 0) return;
    if (purge.entity_type === 'tenant') await this.tenants.forget(purge.entity_id);
    await this.erasing.forgetSamples(purge, signal);
    await waitUntil(() => this.trees.isSealed(tenantOf(purge), PURGE_ACTION, purge.entity_id), signal);
    await this.complete(await this.certify(purge), again);
  }

  /** Until all has ended: what the agent said goes on in it meanwhile. */
  @Transactional()
  protected async lookLater(id: string, unfinished: number): Promise<void> {
    await this.jobs.enqueue<PurgeJob>(PURGE_JOB, { purge_id: id, again: true, unfinished }, { startAfter: LATER_LOOK_SECONDS });
  }

  @Transactional()
  protected async find(id: string): Promise<Purge | null> {
    return this.repository.find(this.context.tenantId, id);
  }

  @Transactional()
  protected isAnyoneBefore(purge: Purge): Promise<boolean> {
    return this.repository.isAnyoneBefore(purge);
  }

  /** Somebody may have been making one while the others were destroyed. */
  @Transactional()
  protected async destroyLateKeys({ entity_type, entity_id }: Purge): Promise<void> {
    if (entity_type === 'agent') await this.keyring.destroy(this.context.tenantId, { type: 'agent', id: entity_id });
    else await this.otherTenant.actFor(entity_id, () => this.keyring.destroy(entity_id, 'all'));
  }

  @Transactional()
  protected async complete(signed: SignedCertificate, again: boolean): Promise<void> {
    const { id, entity, erased, keys_destroyed: keys } = signed.certificate;
    const purge = await this.repository.find(this.context.tenantId, id);
    if (!purge) return;
    await this.repository.complete(purge, signed);
    await this.audit.record({
      action: PURGED_ACTION,
      resource: { type: entity.type, id: entity.id },
      detail: { purge_id: id, erased, keys_destroyed: keys.length },
      subject: { type: 'tenant', id: this.context.tenantId },
    });
    if (!again) await this.jobs.enqueue<PurgeJob>(PURGE_JOB, { purge_id: id, again: true }, { startAfter: SECOND_LOOK_SECONDS });
  }

  private async certify({ id }: Purge): Promise<SignedCertificate> {
    const purge = await this.find(id);
    if (!purge) throw new Error('The purge is not there any more.');
    const { tenant_id, entity_type: type, entity_id } = purge;
    const places = type === 'agent' ? [{ tenantId: tenant_id, subject: { type, id: entity_id } }] : [{ tenantId: entity_id, subject: 'all' as const }, { tenantId: OPERATOR_TENANT_ID, subject: { type, id: entity_id } }];
    const counts = await Promise.all(places.map(({ tenantId, subject }) => this.trees.count(tenantId, subject)));
    const keys = await Promise.all(places.map(async ({ tenantId, subject }) => (await this.keyring.destroyed(tenantId, subject)).map((key) => shown(tenantId, key))));
    const certificate: PurgeCertificate = {
      format: CERTIFICATE_FORMAT,
      id,
      entity: { type, id: entity_id, tenant_id: tenantOf(purge) },
      reason: purge.reason,
      requested_by: { kind: purge.requested_by_kind, id: purge.requested_by_id },
      requested_at: purge.requested_at.toISOString(),
      completed_at: new Date().toISOString(),
      erased: purge.erased,
      keys_destroyed: keys.flat(),
      audit: {
        ...(await this.trees.since(tenantOf(purge), purge.tree_before)),
        erased_rows: counts.reduce((sum, { sealed }) => sum + sealed, 0),
        unsealed_rows: counts.reduce((sum, { plain }) => sum + plain, 0),
      },
    };
    return this.trees.sign(certificate);
  }
}

/** Whose log it is in which the entity's rows are. */
const tenantOf = ({ tenant_id, entity_type, entity_id }: Purge): string => (entity_type === 'agent' ? tenant_id : entity_id);

const shown = (tenantId: string, { id, subject_type, subject_id, destroyed_at }: DestroyedKey): PurgeCertificate['keys_destroyed'][number] =>
  ({ id, tenant_id: tenantId, subject_type, subject_id, destroyed_at: destroyed_at.toISOString() });

async function waitUntil(condition: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + LONGEST_WAIT_MS; performance.now() < end; ) {
    signal.throwIfAborted();
    if (await condition()) return;
    await pause(LOOK_MS, undefined, { signal });
  }
}
