import { Injectable } from '@nestjs/common';
import type { LeafRow } from '../../core/audit/leaf.js';
import { foldPeaks, fullSubtrees, type Hash, type NodeId, type Range } from '../../core/audit/merkle.js';
import { decodeCursor, encodeCursor, type Page, type PageRequest } from '../../core/page.js';
import { invalidField, Problem } from '../../core/problem.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { type Total, totalOf } from '../../platform/database/table.js';
import type { StoredContent } from './audit-contents.js';
import { PAGE_BYTES, pageOfBytes } from './page-of-bytes.js';
import { leafRowOf } from './seal-batch.js';

export interface CheckpointRow {
  size: number;
  root: Buffer;
  note: string;
  created_at: Date;
}

/** A leaf with its row and what is stored of the content; both null when the row is not there. */
export interface StoredLeaf {
  seq: number;
  row_id: string;
  leaf_hash: Buffer;
  row: LeafRow | null;
  stored: StoredContent | null;
  /** What the row is found by; outside of the leaf, so it is held against the content. */
  label: { plain: string | null; hash: Buffer | null };
}

interface LeafColumns extends Omit<StoredContent, 'id'> {
  seq: string;
  row_id: string;
  leaf_hash: Buffer;
  row: LeafRow | null;
  actor_label: string | null;
  actor_label_hash: Buffer | null;
}

/** What a page of rows comes to; `last` is null behind the last one. */
interface WithoutLeaf {
  waiting: number;
  passed: string | null;
  last: string | null;
}

const LEAVES = `select l.seq, l.row_id, l.leaf_hash, case when r.id is null then null else ${leafRowOf('r')} end as row,
    l.tenant_id, r.subject_type, r.subject_id, r.content_form, r.content, r.salt, r.actor_label, r.actor_label_hash
  from audit_leaves l left join audit_log r on r.tenant_id = l.tenant_id and r.id = l.row_id
  where l.tenant_id = $1 and l.seq >= $2 and l.seq < $3 order by l.seq limit $4`;
const PAGE = 20_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

type Stored<T extends { size: number }> = Omit<T, 'size'> & { size: string };

const CHECKPOINT = 'size::text as size, root, note, created_at';
const toCheckpoint = (row: Stored<CheckpointRow>): CheckpointRow => ({ ...row, size: Number(row.size) });

/** The sealed log of a tenant: leaves, nodes and checkpoints. They are only ever added, so each read may be by itself. */
@Injectable()
export class AuditLogRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** By the clock that checkpoints have their times from. */
  async now(tenantId: string): Promise<Date> {
    const rows = await this.database.statement<{ now: Date }>(tenantId, 'select clock_timestamp() as now', []);
    return rows[0]?.now ?? new Date();
  }

  async newestCheckpoint(tenantId: string): Promise<CheckpointRow | undefined> {
    const rows = await this.database.statement<Stored<CheckpointRow>>(tenantId, `select ${CHECKPOINT} from audit_checkpoints where tenant_id = $1 order by audit_checkpoints.size desc limit 1`, [tenantId]);
    return rows[0] && toCheckpoint(rows[0]);
  }

  async checkpointOf(tenantId: string, size: number): Promise<CheckpointRow | undefined> {
    const rows = await this.database.statement<Stored<CheckpointRow>>(tenantId, `select ${CHECKPOINT} from audit_checkpoints where tenant_id = $1 and audit_checkpoints.size = $2`, [tenantId, size]);
    return rows[0] && toCheckpoint(rows[0]);
  }

  /** At most `most` checkpoints up to a size, evenly chosen by their sizes, the newest always among them, in order. Each is looked up: there may be millions. */
  async someCheckpoints(tenantId: string, upTo: number, most: number): Promise<CheckpointRow[]> {
    const rows = await this.database.statement<Stored<CheckpointRow>>(
      tenantId,
      `select distinct on (c.size) c.size::text as size, c.root, c.note, c.created_at from generate_series($2::bigint, 1, -$3::bigint) as place,
         lateral (select * from audit_checkpoints where tenant_id = $1 and size <= place order by size desc limit 1) c
       order by c.size`,
      [tenantId, upTo, Math.max(1, Math.ceil(upTo / most))],
    );
    return rows.map(toCheckpoint);
  }

  /** Newest first. */
  async checkpoints(tenantId: string, { limit, offset, cursor }: PageRequest): Promise<Page<CheckpointRow>> {
    const before = cursor === undefined ? null : sizeIn(cursor);
    const [found = [], totals = []] = await this.database.statements(tenantId, [
      {
        statement: `select ${CHECKPOINT} from audit_checkpoints where tenant_id = $1 and ($2::bigint is null or audit_checkpoints.size < $2) order by audit_checkpoints.size desc limit $3 offset $4`,
        values: [tenantId, before, limit + 1, before === null ? offset : 0],
      },
      { statement: totalOf('from audit_checkpoints where tenant_id = $1'), values: [tenantId] },
    ]);
    const items = (found as Stored<CheckpointRow>[]).slice(0, limit).map(toCheckpoint);
    const [{ total, beyond }] = totals as [Total];
    const last = items.at(-1);
    return {
      items,
      total,
      ...(beyond ? { total_is_estimate: true } : {}),
      limit,
      offset: before === null ? offset : 0,
      next_cursor: found.length > limit && last ? encodeCursor([last.size]) : null,
    };
  }

  /** Where a row stands; the newest sealed one without an id. */
  async leaf(tenantId: string, rowId: string | undefined, size: number): Promise<{ seq: number; row_id: string; leaf_hash: Buffer } | undefined> {
    const [condition, value] = rowId === undefined ? ['seq = $2::bigint - 1', size] : ['row_id = $2', rowId];
    const rows = await this.database.statement<{ seq: string; row_id: string; leaf_hash: Buffer }>(
      tenantId, `select seq::text as seq, row_id, leaf_hash from audit_leaves where tenant_id = $1 and ${condition}`, [tenantId, value],
    );
    return rows[0] && { ...rows[0], seq: Number(rows[0].seq) };
  }

  /** Whether a row is there without a leaf. */
  async isWaiting(tenantId: string, rowId: string): Promise<boolean> {
    const rows = await this.database.statement(tenantId, 'select 1 from audit_log where tenant_id = $1 and id = $2', [tenantId, rowId]);
    return rows.length > 0;
  }

  /** Whether the newest row of an action on a resource has its leaf. */
  async isSealed(tenantId: string, action: string, resourceId: string): Promise<boolean> {
    const rows = await this.database.statement<{ sealed: boolean }>(
      tenantId,
      `select exists (select from audit_leaves l where l.tenant_id = $1 and l.row_id = r.id) as sealed
       from audit_log r where r.tenant_id = $1 and r.action = $2 and r.resource_id = $3 order by r.id desc limit 1`,
      [tenantId, action, resourceId],
    );
    return rows[0]?.sealed === true;
  }

  /** The roots of ranges that consist of few full subtrees, as proofs name them. */
  async rootsOf(tenantId: string, ranges: readonly Range[]): Promise<Hash[]> {
    const subtrees = ranges.map(fullSubtrees);
    const all = subtrees.flat();
    const hashes = (await this.nodes(tenantId, all)).map((hash, place) => hash ?? missing(all[place] as NodeId));
    return subtrees.map((parts) => foldPeaks(hashes.splice(0, parts.length)));
  }

  /** The stored hashes of nodes, in the order in which they are asked for; those of level 0 are leaves. */
  async nodes(tenantId: string, wanted: readonly NodeId[]): Promise<(Hash | undefined)[]> {
    const [leaves, inner] = [wanted.filter(({ level }) => level === 0), wanted.filter(({ level }) => level > 0)];
    const nodes = await this.database.statement<{ level: number; index: string; hash: Buffer }>(
      tenantId,
      `select 0 as level, l.seq::text as index, l.leaf_hash as hash from audit_leaves l where l.tenant_id = $1 and l.seq = any($2::bigint[])
       union all
       select n.level, n.index::text, n.hash from unnest($3::smallint[], $4::bigint[]) as wanted (level, index)
         join audit_nodes n on n.tenant_id = $1 and n.level = wanted.level and n.index = wanted.index`,
      [tenantId, leaves.map(({ index }) => index), inner.map(({ level }) => level), inner.map(({ index }) => index)],
    );
    const known = new Map(nodes.map(({ level, index, hash }) => [`${level} ${index}`, hash]));
    return wanted.map(({ level, index }) => known.get(`${level} ${index}`));
  }

  /** Leaves from a place on, with their rows: at most so many, and no more than `PAGE_BYTES` behind the first. */
  async leavesFrom(tenantId: string, seq: number, upTo: number, limit: number): Promise<StoredLeaf[]> {
    const rows = await this.database.statement<LeafColumns>(
      tenantId,
      pageOfBytes(LEAVES, 'seq', '$5'),
      [tenantId, seq, upTo, limit, PAGE_BYTES],
    );
    return rows.map(({ seq: place, row_id, leaf_hash, row, actor_label, actor_label_hash, ...stored }) => ({
      seq: Number(place), row_id, leaf_hash, row, stored: row && { ...stored, id: row_id }, label: { plain: actor_label, hash: actor_label_hash },
    }));
  }

  /** How far each part of the log says that it goes, at one moment: all the same, unless somebody took something away. */
  async extent(tenantId: string): Promise<{ checkpoint: number; tree: number; leaves: number; pushed: number }> {
    const [row] = await this.database.statement<Record<'checkpoint' | 'tree' | 'leaves' | 'pushed', string>>(
      tenantId,
      `select coalesce((select max(size) from audit_checkpoints where tenant_id = $1), 0)::text as checkpoint,
         coalesce((select size from audit_trees where tenant_id = $1), 0)::text as tree,
         coalesce((select max(seq) + 1 from audit_leaves where tenant_id = $1), 0)::text as leaves,
         coalesce((select max(size) from audit_pushes where tenant_id = $1), 0)::text as pushed`,
      [tenantId],
    );
    return { checkpoint: Number(row?.checkpoint), tree: Number(row?.tree), leaves: Number(row?.leaves), pushed: Number(row?.pushed) };
  }

  /** Rows of which there is no leaf: those that the sequencer has still to take, and the first that it has passed by, so that it was put in later. */
  async withoutLeaf(tenantId: string): Promise<{ waiting: number; passed: string | null }> {
    const found: { waiting: number; passed: string | null } = { waiting: 0, passed: null };
    // A piece at a time: over a large log as one statement it would outlast its time.
    for (let after: string | null = BEFORE_ALL; after !== null; ) {
      const page: WithoutLeaf | undefined = await this.withoutLeafBehind(tenantId, after);
      found.waiting += page?.waiting ?? 0;
      found.passed ??= page?.passed ?? null;
      after = page?.last ?? null;
    }
    return found;
  }

  private async withoutLeafBehind(tenantId: string, after: string): Promise<WithoutLeaf | undefined> {
    const rows = await this.database.statement<WithoutLeaf>(
      tenantId,
      `select (count(*) filter (where not has_leaf and not sealed))::int as waiting, (min(id::text) filter (where not has_leaf and sealed)) as passed, max(id::text) as last from (
         select r.id, (r.tx, r.id) <= (select coalesce(h.tx, s.tx), coalesce(h.row_id, s.id) from audit_sequencer s left join audit_holds h on h.tenant_id = $1) as sealed,
           exists (select from audit_leaves l where l.tenant_id = r.tenant_id and l.row_id = r.id and l.seq >= 0) as has_leaf
         from audit_log r where r.tenant_id = $1 and r.id > $2 order by r.id limit $3
       ) rows`,
      [tenantId, after, PAGE],
    );
    return rows[0];
  }
}

function missing({ level, index }: NodeId): never {
  throw new Problem('conflict', { detail: `The stored tree has no node ${index} of level ${level}.`, remedy: 'See what GET /audit/verify finds.' });
}

function sizeIn(cursor: string): number {
  const [size] = decodeCursor(cursor, 1);
  if (typeof size !== 'number' || !Number.isSafeInteger(size)) throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  return size;
}
