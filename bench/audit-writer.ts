/**
 * Writes rows into the audit log at a steady rate, as many transactions would, and watches the tree grow: a process of its
 * own. Its answer is how long rows wait from their commit until they are sealed for all to see.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { json } from 'node:stream/consumers';
import pg from 'pg';
import { summarise } from './stats.ts';

export interface AuditRows {
  /** The superuser's, who may write past the product's roles. */
  url: string;
  perSecond: number;
  seconds: number;
}

/** A row as the plane writes it, but for its content, which is not sealed under a key. @param count an expression of SQL */
export const insertAuditRows = (count: string): string => `
  insert into audit_log (tenant_id, id, actor_kind, actor_id, action, outcome, resource_type, resource_id, request_id, subject_type, subject_id, content_form, content, salt, content_hash)
  select tenant_id, uuidv7(), 'system', 'bench', 'bench.row', 'done', 'task', gen_random_uuid()::text, 'bench', 'tenant', tenant_id::text, 0, content, salt, sha256(salt || content)
  from (select t.id as tenant_id, convert_to('{"actor_label":"bench","ip":null,"user_agent":null,"before":null,"after":null,"detail":{"n":' || n || '}}', 'UTF8') as content,
      decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') as salt
    from generate_series(1, ${count}) n, (select id from tenants order by created_at, id limit 1) t) rows`;

const EACH_MS = 10;
const LOOK_MS = 4;
const LONGEST_WAIT_MS = 30_000;

interface Batch {
  committedAt: number;
  ids: string[];
}

async function measure({ url, perSecond, seconds }: AuditRows): Promise<void> {
  const [writer, watcher] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
  await Promise.all([writer.connect(), watcher.connect()]);
  const seen: { size: number; at: number }[] = [];
  const watch = { isOver: false };
  const watching = look(watcher, seen, watch);
  const batches = await write(writer, Math.round((perSecond * EACH_MS) / 1000), seconds);
  await sealedAll(writer);
  watch.isOver = true;
  await watching;
  const lags = await lagsOf(writer, batches, seen);
  await Promise.all([writer.end(), watcher.end()]);
  const rows = batches.reduce((sum, { ids }) => sum + ids.length, 0);
  console.log(JSON.stringify({ ...summarise(lags, seconds, rows - lags.length), perSecond: rows / seconds }));
}

/** A transaction at every tick; one that took longer is caught up with. */
async function write(client: pg.Client, each: number, seconds: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  const begun = performance.now();
  for (let tick = 0; tick < (seconds * 1000) / EACH_MS; tick++) {
    const early = begun + tick * EACH_MS - performance.now();
    if (early > 0) await sleep(early);
    const { rows } = await client.query<{ id: string }>(`${insertAuditRows('$1::int')} returning id`, [each]);
    batches.push({ committedAt: performance.now(), ids: rows.map(({ id }) => id) });
  }
  return batches;
}

async function look(client: pg.Client, seen: { size: number; at: number }[], watch: { isOver: boolean }): Promise<void> {
  while (!watch.isOver) {
    const { rows } = await client.query<{ size: string }>(`select size::text as size from audit_trees where tenant_id = (select id from tenants order by created_at, id limit 1)`);
    const size = Number(rows[0]?.size ?? 0);
    if (size > (seen.at(-1)?.size ?? -1)) seen.push({ size, at: performance.now() });
    await sleep(LOOK_MS);
  }
}

async function sealedAll(client: pg.Client): Promise<void> {
  const limit = performance.now() + LONGEST_WAIT_MS;
  while (performance.now() < limit) {
    const { rowCount } = await client.query('select 1 from audit_log r, audit_sequencer s where (r.tx, r.id) > (s.tx, s.id) limit 1');
    if (rowCount === 0) break;
    await sleep(LOOK_MS);
  }
  await sleep(100);
}

/** Rows that were never sealed have none. */
async function lagsOf(client: pg.Client, batches: readonly Batch[], seen: readonly { size: number; at: number }[]): Promise<number[]> {
  const { rows } = await client.query<{ row_id: string; seq: string }>('select row_id, seq::text as seq from audit_leaves where row_id = any($1::uuid[])', [batches.flatMap(({ ids }) => ids)]);
  const places = new Map(rows.map(({ row_id, seq }) => [row_id, Number(seq)]));
  return batches.flatMap(({ committedAt, ids }) =>
    ids.flatMap((id) => {
      const seq = places.get(id);
      const at = seq === undefined ? undefined : seen.find(({ size }) => size > seq)?.at;
      return at === undefined ? [] : [Math.max(0, at - committedAt)];
    }),
  );
}

if (import.meta.main) await measure((await json(process.stdin)) as AuditRows);
