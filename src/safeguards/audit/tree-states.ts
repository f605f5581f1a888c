import { consistencyRanges, foldPeaks, fullSubtrees, GrowingTree, type Hash, type Range, verifyConsistency } from '../../core/audit/merkle.js';
import type { Mark } from '../../core/audit/restore-statement.js';

/** Runs a statement in whatever transaction there is. */
export type Ask = <T extends object>(text: string, values: unknown[]) => Promise<T[]>;

/** What the database says of a tenant's tree, part by part. */
export interface TreeState {
  tenantId: string;
  size: number;
  root: Hash;
  /** Undefined when size and peaks fit no tree. */
  peaks: Buffer | undefined;
  checkpoint: { size: number; root: Hash; note: string } | undefined;
  /** The place behind the last leaf. */
  leaves: number;
  pushed: number;
}

type StateRow = Record<'tenant_id' | 'size' | 'leaves' | 'pushed', string> & { peaks: Buffer | null; checkpoint_size: string | null; root: Buffer | null; note: string | null };

const MOST_LEVELS = 52;
const NOTHING = Buffer.alloc(0);

/** Reads all of it at one moment. Tenants of which there is nothing have an empty tree. */
export async function readStates(ask: Ask, tenantIds: readonly string[]): Promise<TreeState[]> {
  const rows = await ask<StateRow>(
    `select w.id as tenant_id, coalesce(t.size, 0)::text as size, t.peaks, c.size::text as checkpoint_size, c.root, c.note, coalesce(l.leaves, 0)::text as leaves, coalesce(p.pushed, 0)::text as pushed
     from unnest($1::uuid[]) as w (id)
     left join audit_trees t on t.tenant_id = w.id
     left join lateral (select size, root, note from audit_checkpoints where tenant_id = w.id order by size desc limit 1) c on true
     left join lateral (select seq + 1 as leaves from audit_leaves where tenant_id = w.id order by seq desc limit 1) l on true
     left join lateral (select max(size) as pushed from audit_pushes where tenant_id = w.id) p on true`,
    [tenantIds],
  );
  return rows.map(({ tenant_id: tenantId, size: count, peaks, checkpoint_size: checkpointSize, root, note, leaves, pushed }) => {
    const size = Number(count);
    const checkpoint = root && note !== null ? { size: Number(checkpointSize), root, note } : undefined;
    return { tenantId, size, ...treeOf(size, peaks ?? NOTHING), checkpoint, leaves: Number(leaves), pushed: Number(pushed) };
  });
}

/** The peaks with their root, if there is a tree of this size with them. */
export function treeOf(size: number, peaks: Buffer): Pick<TreeState, 'peaks' | 'root'> {
  try {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('No tree has this size.');
    return { peaks, root: new GrowingTree(size, peaks).root() };
  } catch (error) {
    if (error instanceof RangeError) return { peaks: undefined, root: NOTHING };
    throw error;
  }
}

/** Whether each tree goes on from its mark, as a proof over the nodes that are there shows (RFC 9162, section 2.1.4). */
export async function goOnFrom(ask: Ask, pairs: readonly { state: TreeState; mark: Pick<Mark, 'size' | 'root'> }[]): Promise<boolean[]> {
  const ranges = pairs.map(({ state, mark }) => (mark.size > 0 && mark.size <= state.size ? consistencyRanges(mark.size, state.size) : []));
  const flat = ranges.flatMap((wanted, at) => wanted.map((range) => ({ tenantId: pairs[at]?.state.tenantId ?? '', range })));
  const roots = await rootsOf(ask, flat);
  return pairs.map(({ state, mark }, at) => {
    const path = roots.splice(0, ranges[at]?.length ?? 0);
    if (mark.size === 0) return true;
    const proof = { from: mark.size, to: state.size, fromRoot: mark.root, toRoot: state.root, path: path.filter((hash) => hash !== undefined) };
    return proof.path.length === path.length && verifyConsistency(proof);
  });
}

/** The roots of ranges; undefined where a node is missing. */
async function rootsOf(ask: Ask, wanted: readonly { tenantId: string; range: Range }[]): Promise<(Hash | undefined)[]> {
  const nodes = wanted.flatMap(({ tenantId, range }, at) => fullSubtrees(range).map(({ level, index }) => ({ at, tenantId, level, index })));
  if (nodes.length === 0) return [];
  const rows = await ask<{ at: number; hash: Buffer | null }>(
    `select w.at, case when w.level = 0 then (select l.leaf_hash from audit_leaves l where l.tenant_id = w.tenant_id and l.seq = w.index)
       else (select n.hash from audit_nodes n where n.tenant_id = w.tenant_id and n.level = w.level and n.index = w.index) end as hash
     from unnest($1::int[], $2::uuid[], $3::smallint[], $4::bigint[]) with ordinality as w (at, tenant_id, level, index, place) order by w.place`,
    [nodes.map(({ at }) => at), nodes.map(({ tenantId }) => tenantId), nodes.map(({ level }) => level), nodes.map(({ index }) => index)],
  );
  const peaks: (Hash | null)[][] = wanted.map(() => []);
  for (const { at, hash } of rows) peaks[at]?.push(hash);
  return peaks.map((hashes) => (hashes.includes(null) ? undefined : foldPeaks(hashes.filter((hash) => hash !== null))));
}

/** Whether nodes lie where those of the next rows belong. */
export async function hasLeftovers(ask: Ask, tenantId: string, size: number): Promise<boolean> {
  const [row] = await ask<{ found: boolean }>(
    `select exists (select from generate_series(1, $3::int) as level (level),
       lateral (select 1 from audit_nodes n where n.tenant_id = $1 and n.level = level.level and n.index >= ($2::bigint >> level.level) limit 1) node) as found`,
    [tenantId, size, MOST_LEVELS],
  );
  return row?.found === true;
}
