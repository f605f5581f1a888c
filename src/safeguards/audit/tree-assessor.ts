import { Injectable } from '@nestjs/common';
import { type Checkpoint, openCheckpoint } from '../../core/audit/checkpoint.js';
import { type Mark, markAfter, type OpenedRestore, openRestore } from '../../core/audit/restore-statement.js';
import { AuditKeys } from './audit-keys.js';
import { AuditMarks } from './audit-marks.js';
import { findingOf } from './tree-findings.js';
import { type Ask, goOnFrom, readStates, type TreeState } from './tree-states.js';

/** What a look at a tenant's tree came to. */
export interface Assessment {
  state: TreeState;
  /** What it has to go on from. */
  mark: Mark | undefined;
  /** Why it is not to be extended. */
  finding: ReturnType<typeof findingOf>;
}

/** Measures trees against the marks of this process, and against what the operator has accepted in their place. */
@Injectable()
export class TreeAssessor {
  constructor(
    private readonly keys: AuditKeys,
    private readonly marks: AuditMarks,
  ) {}

  /** A tree that is found right is the mark of its tenant from then on. */
  async assess(ask: Ask, tenantIds: readonly string[]): Promise<Assessment[]> {
    const restores = await this.restores(ask, tenantIds);
    const found = (await readStates(ask, tenantIds)).map((state) => {
      const ofTenant = restores.get(state.tenantId) ?? [];
      return { state, restores: ofTenant, mark: markAfter(this.marks.get(state.tenantId), ofTenant) };
    });
    const marked = found.flatMap(({ state, mark }) => (mark && state.peaks ? [{ state, mark }] : []));
    const goesOn = new Map((await goOnFrom(ask, marked)).map((yes, at) => [marked[at]?.state, yes]));
    const signed = await this.signed(found.map(({ state }) => state));
    return found.map(({ state, mark, restores: accepted }) => {
      const finding = findingOf(state, { mark, goesOn: goesOn.get(state) === true, isSigned: signed.has(state), restores: accepted });
      if (!finding) this.adopt(state, signed.get(state), mark, accepted);
      return { state, mark, finding };
    });
  }

  /** What the operator has accepted, the oldest first; what this installation did not sign is passed by. */
  async restores(ask: Ask, tenantIds: readonly string[]): Promise<Map<string, OpenedRestore[]>> {
    const rows = await ask<{ tenant_id: string; note: string }>('select tenant_id, note from audit_restores where tenant_id = any($1::uuid[])', [tenantIds]);
    const byTenant = new Map<string, OpenedRestore[]>();
    if (rows.length === 0) return byTenant;
    const keys = await this.keys.verifiers();
    for (const { tenant_id: id, note } of rows) {
      const opened = openedOr(() => openRestore(note, keys));
      if (opened?.origin === (await this.keys.originOf(id))) byTenant.set(id, [...(byTenant.get(id) ?? []), opened]);
    }
    for (const ofTenant of byTenant.values()) ofTenant.sort((a, b) => a.time.localeCompare(b.time));
    return byTenant;
  }

  /** The newest checkpoints of those trees that have one which this installation signed for them. */
  private async signed(states: readonly TreeState[]): Promise<Map<TreeState, Checkpoint>> {
    const keys = await this.keys.verifiers();
    const signed = new Map<TreeState, Checkpoint>();
    for (const state of states) {
      const { checkpoint, tenantId } = state;
      const opened = checkpoint && openedOr(() => openCheckpoint(checkpoint.note, keys));
      if (opened?.origin === (await this.keys.originOf(tenantId)) && opened.size === checkpoint?.size && opened.root.equals(checkpoint.root)) signed.set(state, opened);
    }
    return signed;
  }

  private adopt({ tenantId, size, root, checkpoint }: TreeState, signed: Checkpoint | undefined, mark: Mark | undefined, restores: readonly OpenedRestore[]): void {
    const accepted = restores.findLast((restore) => restore.size === size && restore.root.equals(root));
    const adopted = signed?.size === size && checkpoint ? { size, root, time: signed.time, note: checkpoint.note } : (accepted ?? mark);
    if (adopted) this.marks.set(tenantId, { size: adopted.size, root: adopted.root, time: adopted.time, note: adopted.note });
  }
}

/** Undefined for what is not signed by one of the keys. */
function openedOr<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
