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
import { AuditMarks } from './audit-marks.js';
import { AuditSigners } from './audit-signers.js';
import { type HoldMark, holdMarkOf } from './hold-mark.js';
import { brokenParts } from './tree-findings.js';
import { type Ask, hasLeftovers, readStates, type TreeState } from './tree-states.js';

/** A held log as it is looked at: the state that it is in, and what it is measured against. */
export interface SeenHold {
  hold: AuditHold;
  state: TreeState;
  mark: HoldMark | undefined;
}

/** What the operator accepts: the state that was looked at, and why. */
interface Acceptance {
  size: number;
  root: string;
  reason: string;
}

/** Logs that are held because they are not what was sealed, and how the operator lets them go on. */
@Injectable()
export class AuditHoldsService {
  private readonly ask: Ask = (text, values) => this.database.query(text, values);

  constructor(
    private readonly context: RequestContext,
    private readonly holds: AuditHoldsRepository,
    private readonly keys: AuditKeys,
    private readonly marks: AuditMarks,
    private readonly signers: AuditSigners,
    private readonly audit: AuditPort,
    private readonly others: OtherTenant,
    private readonly database: SystemDatabase,
  ) {}

  /** The operator sees all of them, any other tenant its own. */
  async page(request: PageRequest): Promise<Page<SeenHold>> {
    const { tenantId } = this.context;
    const page = await this.holds.page(tenantId === OPERATOR_TENANT_ID ? undefined : tenantId, request);
    return { ...page, items: await this.seen(page.items) };
  }

  /**
   * Signs that the log as it was looked at takes the place of the one that had been sealed. The sequencer goes on from it with its next look.
   * @throws Problem `forbidden`, `fresh_sign_in_required`, `not_found`, `conflict` when it is another one by now, its parts do not belong
   *   together, or the hold is not what the sequencer wrote
   */
  async accept(named: string, { size, root, reason }: Acceptance): Promise<OpenedRestore> {
    const hold = await this.holdOf(named);
    const { tenant_id: tenantId } = hold;
    const [seen] = await this.seen([hold]);
    if (!seen) throw notFound('hold');
    const { state, mark } = seen;
    await this.checkParts(state);
    if (state.size !== size || state.root.toString('base64') !== root) throw anotherState(state);
    if (mark?.isVerified === false) throw forgedMark();
    const { kind, id } = this.context.actor;
    // In this order: a key that was replaced signs nothing later than that.
    const [now, isTenant] = await Promise.all([this.holds.now(), this.holds.isTenant(tenantId)]);
    const [{ key, originOf }, keys] = await Promise.all([this.signers.current(), this.keys.verifiers()]);
    const restore = { origin: originOf(tenantId), size: state.size, root: state.root, time: now.toISOString(), mark: mark?.note ?? null, reason, by: { kind, id } };
    const note = signRestore(restore, key);
    await this.record(tenantId, restore, note, isTenant);
    return openRestore(note, keys);
  }

  /** What the log is now, and what the hold says as far as it was signed here. */
  private async seen(holds: readonly AuditHold[]): Promise<SeenHold[]> {
    if (holds.length === 0) return [];
    const [states, keys] = await Promise.all([readStates(this.ask, holds.map(({ tenant_id: id }) => id)), this.keys.verifiers(), this.marks.load()]);
    const byTenant = new Map(states.map((state) => [state.tenantId, state]));
    const seen: SeenHold[] = [];
    for (const hold of holds) {
      const { tenant_id: id } = hold;
      const state = byTenant.get(id);
      if (state) seen.push({ hold, state, mark: holdMarkOf(hold.mark, this.marks.get(id), { keys, origin: await this.keys.originOf(id) }) });
    }
    return seen;
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
  private async checkParts(state: TreeState): Promise<void> {
    const broken = brokenParts(state)?.detail ?? ((await hasLeftovers(this.ask, state.tenantId, state.size)) ? 'Nodes of another tree lie where those of the next rows belong.' : undefined);
    if (broken !== undefined) throw new Problem('conflict', { detail: `No log can go on from this. ${broken}`, remedy: 'Restore the whole database from one backup, then accept that.' });
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

const anotherState = ({ size, root }: TreeState): Problem =>
  new Problem('conflict', {
    detail: `The log has ${size} rows and the root ${root.toString('base64')}: not what was to be accepted.`,
    remedy: 'Look at it anew (GET /audit/holds). If nobody has put another backup back meanwhile, somebody changes the database.',
    extra: { log_size: size, log_root: root.toString('base64') },
  });

const forgedMark = (): Problem =>
  new Problem('conflict', {
    detail: 'The checkpoint that the hold says the log was measured against was not signed by this installation, as one of this log: somebody has changed the hold in the database.',
    remedy: 'The sequencer writes it anew within seconds. Find out who writes the database before anything is accepted.',
  });
