import { isCircuitOpen, type Fault, type History, type Op, type OpOf, wasAccepted } from '../history.ts';
import type { Snapshot, Violation } from './snapshot.ts';

/** What a fault does lasts a while longer; ms. */
const AFTERMATH_MS = 3_000;
/** These are no faults of a process that others might feel. */
export const UNFELT = new Set(['purge an agent', 'purge a tenant', 'rotate the master key', 'freeze an agent', 'kill an agent', 'cut the event stream']);

type Purge = OpOf<'purge'> & Op;

/** Who is purged works no more from the answer on, nothing of it is left in the end, and nobody else feels it. */
export function checkPurges({ ops, faults }: Pick<History, 'ops' | 'faults'>, db: Snapshot): Violation[] {
  const purges = ops.filter((op): op is Purge => op.op === 'purge' && wasAccepted(op));
  return [...purges.flatMap((purge) => [...unfinished(purge, db), ...worksOn(purge, ops), ...disturbs(purge, ops, faults)]), ...traces(db)];
}

const entityOf = (op: Op): string | undefined => (op.op === 'doomed' ? op.request.tenant_id : 'agent_id' in op.request && op.op !== 'control' && op.op !== 'patch-agent' ? op.request.agent_id : undefined);

const unfinished = ({ request: { entity_type, entity_id } }: Purge, db: Snapshot): Violation[] =>
  db.purges.some((purge) => purge.entity_id === entity_id) ? [] : [{ rule: 'purge not done', detail: `the purge of ${entity_type} ${entity_id} was acknowledged and never done` }];

const traces = (db: Snapshot): Violation[] =>
  db.purges.flatMap(({ entity_id: id, traces: places }) => places.map((place) => ({ rule: 'purged in part', detail: `${id} was purged, and ${place} still has something of it` })));

function worksOn({ request: { entity_type, entity_id }, answeredAt = Infinity }: Purge, ops: readonly Op[]): Violation[] {
  const late = ops.filter((op) => entityOf(op) === entity_id && op.calledAt > answeredAt && wasAccepted(op));
  return late.map((op) => ({ rule: 'purged in vain', detail: `${entity_type} ${entity_id} was purged and its ${op.op} was accepted after that (${op.request_id})` }));
}

/** From the call until it is done: nothing else is broken in the meantime, so that nobody may be told of an error. */
function disturbs({ request: { entity_id }, calledAt }: Purge, ops: readonly Op[], faults: readonly Fault[]): Violation[] {
  const done = ops.find((op) => op.op === 'purged' && op.request.entity_id === entity_id && op.status === 200)?.answeredAt;
  if (done === undefined) return [];
  const isFelt = (op: Op): boolean => faults.some(({ name, from, until, offset }) => !UNFELT.has(name) && (op.answeredAt ?? Infinity) + offset > from && op.calledAt + offset < until + AFTERMATH_MS);
  const broken = ops.filter((op) => op.status >= 500 && !isCircuitOpen(op) && op.calledAt > calledAt && (op.answeredAt ?? Infinity) < done && entityOf(op) !== entity_id && !isFelt(op));
  return broken.map((op) => ({ rule: 'disturbed', detail: `a ${op.op} was answered with ${op.status} while ${entity_id} was purged (${op.request_id})` }));
}
