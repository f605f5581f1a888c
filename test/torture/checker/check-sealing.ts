import { type Fault, type Op, type OpOf, wasAccepted } from '../history.ts';
import { type Snapshot, TENANT, type Violation } from './snapshot.ts';

/** Every row of the audit log is sealed, once, without a gap; and what was shown as a checkpoint is what is there. */
export function checkSealing(ops: readonly Op[], db: Snapshot): Violation[] {
  const tenants = new Set([...db.audit, ...db.leaves].map((row) => row.tenant_id));
  return [...[...tenants].flatMap((tenantId) => leaves(logOf(db, tenantId))), ...noted(ops, logOf(db, TENANT))];
}

type Log = Pick<Snapshot, 'audit' | 'leaves' | 'checkpoints'>;

function logOf(db: Snapshot, tenantId: string): Log {
  const isOf = (row: { tenant_id: string }): boolean => row.tenant_id === tenantId;
  return { audit: db.audit.filter(isOf), leaves: db.leaves.filter(isOf), checkpoints: db.checkpoints.filter(isOf) };
}

function leaves(db: Log): Violation[] {
  const found: Violation[] = [];
  const sealed = Map.groupBy(db.leaves, ({ row_id }) => row_id);
  for (const { id, action } of db.audit) {
    const count = sealed.get(id)?.length ?? 0;
    if (count === 0) found.push({ rule: 'not sealed', detail: `${action} ${id} is in the log and in no tree` });
    if (count > 1) found.push({ rule: 'sealed twice', detail: `${action} ${id} is in the tree ${count} times` });
  }
  const rows = new Set(db.audit.map(({ id }) => id));
  for (const { row_id: id, seq } of db.leaves) if (!rows.has(id)) found.push({ rule: 'sealed without row', detail: `leaf ${seq} is of ${id}, which is not in the log` });
  const wrong = db.leaves.findIndex(({ seq }, index) => seq !== index);
  if (wrong >= 0) found.push({ rule: 'gap in the tree', detail: `leaf ${wrong} is missing` });
  const newest = db.checkpoints.at(-1)?.size ?? 0;
  if (newest !== db.leaves.length) found.push({ rule: 'not sealed', detail: `the newest checkpoint is of ${newest} rows, the tree has ${db.leaves.length}` });
  return found;
}

/** One client looks, again and again: what it saw stays, and the log only grows. */
function noted(ops: readonly Op[], db: Log): Violation[] {
  const roots = new Map(db.checkpoints.map(({ size, root }) => [size, root]));
  const seen = ops.filter((op): op is OpOf<'checkpoint'> & Op => op.op === 'checkpoint' && wasAccepted(op)).flatMap((op) => (op.body as { items: { size: number; root: string }[] }).items);
  return seen.flatMap(({ size, root }, index): Violation[] => [
    ...(roots.get(size) === root ? [] : [{ rule: 'checkpoint changed', detail: `the checkpoint of ${size} rows was shown with the root ${root}; it is ${roots.get(size) ?? 'not there'}` }]),
    ...(size < (seen[index - 1]?.size ?? 0) ? [{ rule: 'log went back', detail: `after ${seen[index - 1]?.size} rows ${size} were shown` }] : []),
  ]);
}

/** What a fault does lasts a while longer: processes start, sessions are made anew; ms. */
const AFTERMATH_MS = 4_000;
const HARMLESS = new Set(['freeze an agent', 'kill an agent', 'cut the event stream', 'rotate the master key', 'purge an agent', 'purge a tenant']);

/** From a row's time to the reading of the batch that it was sealed in, apart from the time of faults; sorted, ms. */
export function sealingLags(faults: readonly Fault[], whole: Snapshot): number[] {
  const db = logOf(whole, TENANT);
  const at = new Map(db.audit.map((row) => [row.id, row.at]));
  const windows = faults.filter(({ name }) => !HARMLESS.has(name));
  const lags: number[] = [];
  let next = 0;
  for (const { seq, row_id: id } of db.leaves) {
    while ((db.checkpoints[next]?.size ?? Infinity) <= seq) next += 1;
    const [made, sealed] = [at.get(id), db.checkpoints[next]?.at];
    if (made === undefined || sealed === undefined) continue;
    if (!windows.some(({ from, until }) => made < until + AFTERMATH_MS && sealed > from)) lags.push(sealed - made);
  }
  return lags.sort((a, b) => a - b);
}
