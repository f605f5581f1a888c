import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { type OpenedRestore, openRestore, type Restore, signRestore } from '../../core/audit/restore-statement.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { OtherTenant } from '../../platform/database/other-tenant.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { type AuditHold, AuditHoldsRepository } from './audit-holds.repository.js';
import { AuditKeys } from './audit-keys.js';
import { brokenParts } from './tree-findings.js';
import { type Ask, hasLeftovers, readStates, type TreeState } from './tree-states.js';

/** Logs that are held because they are not what was sealed, and how the operator lets them go on. */
@Injectable()
export class AuditHoldsService {
  private readonly ask: Ask = (text, values) => this.database.query(text, values);

  constructor(
    private readonly context: RequestContext,
    private readonly holds: AuditHoldsRepository,
    private readonly keys: AuditKeys,
    private readonly audit: AuditPort,
    private readonly others: OtherTenant,
    private readonly database: SystemDatabase,
  ) {}

  /** The operator sees all of them, any other tenant its own. */
  page(page: PageRequest): Promise<Page<AuditHold>> {
    const { tenantId } = this.context;
    return this.holds.page(tenantId === OPERATOR_TENANT_ID ? undefined : tenantId, page);
  }

  /**
   * Signs that the log as it is now takes the place of the one that had been sealed. The sequencer goes on from it with its next look.
   * @throws Problem `forbidden`, `fresh_sign_in_required`, `not_found`, `conflict` when its parts do not belong together
   */
  async accept(named: string, reason: string): Promise<OpenedRestore> {
    const hold = await this.holdOf(named);
    const { tenant_id: tenantId, mark } = hold;
    const state = await this.wholeState(tenantId);
    const { kind, id } = this.context.actor;
    const [{ key, originOf }, keys, now, isTenant] = await Promise.all([this.keys.signer(), this.keys.verifiers(), this.holds.now(), this.holds.isTenant(tenantId)]);
    const restore = { origin: originOf(tenantId), size: state.size, root: state.root, time: now.toISOString(), mark, reason, by: { kind, id } };
    const note = signRestore(restore, key);
    await this.record(tenantId, restore, note, isTenant);
    return openRestore(note, keys);
  }

  private async holdOf(tenantId: string): Promise<AuditHold> {
    const own = this.context.tenantId;
    if (own !== OPERATOR_TENANT_ID) throw tenantId.toLowerCase() === own ? new Problem('forbidden', { detail: 'Only administrators of the operator tenant accept a log that was put back.' }) : notFound('hold');
    requireFreshAuthority(this.context);
    const hold = await this.holds.of(tenantId);
    if (!hold) throw notFound('hold');
    return hold;
  }

  /** @throws Problem `conflict`: no row could be added to it, whoever accepts it */
  private async wholeState(tenantId: string): Promise<TreeState> {
    const [state] = await readStates(this.ask, [tenantId]);
    if (!state) throw notFound('hold');
    const broken = brokenParts(state)?.detail ?? ((await hasLeftovers(this.ask, tenantId, state.size)) ? 'Nodes of another tree lie where those of the next rows belong.' : undefined);
    if (broken !== undefined) throw new Problem('conflict', { detail: `No log can go on from this. ${broken}`, remedy: 'Restore the whole database from one backup, then accept that.' });
    return state;
  }

  /** Both logs say so: the operator's, and the one that is accepted, if there still is its tenant. */
  @Transactional()
  protected async record(tenantId: string, { mark, size, root, reason }: Restore, note: string, isTenant: boolean): Promise<void> {
    const entry = { action: 'audit.accept_restore', resource: { type: 'tenant', id: tenantId }, detail: { reason, size, root: root.toString('base64'), in_place_of: mark } };
    await this.audit.record({ ...entry, subject: { type: 'tenant', id: OPERATOR_TENANT_ID } });
    const accept = async (): Promise<void> => {
      if (isTenant && tenantId !== OPERATOR_TENANT_ID) await this.audit.record(entry);
      await this.holds.accept(tenantId, newId(), note);
    };
    await (tenantId === OPERATOR_TENANT_ID ? accept() : this.others.actFor(tenantId, accept));
  }
}
