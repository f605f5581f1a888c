import { type Op, type OpOf, wasAccepted } from '../history.ts';
import type { Snapshot, Violation } from './snapshot.ts';

/** What was approved is done once, whoever asks at how many processes; nothing else is done on it, and nothing that was not approved. */
export function checkApprovals(ops: readonly Op[], db: Snapshot): Violation[] {
  const uses = ops.filter((op): op is OpOf<'redeem'> & Op => op.op === 'redeem' && wasAccepted(op));
  return [
    ...[...Map.groupBy(uses, (op) => op.request.approval_id)].filter(([, list]) => list.length > 1).map(([id, list]) => ({ rule: 'redeemed twice', detail: `${id} was redeemed ${list.length} times: ${list.map((op) => op.request_id).join(', ')}` })),
    ...uses.filter((op) => !op.request.exact).map((op) => ({ rule: 'redeemed for something else', detail: `${op.request.approval_id} (${op.request_id})` })),
    ...uses.filter((op) => !op.request.approved).map((op) => ({ rule: 'redeemed without approval', detail: `${op.request.approval_id} (${op.request_id})` })),
    ...recorded(db),
  ];
}

/** Also those of which nobody had an answer. */
function recorded(db: Snapshot): Violation[] {
  const rows = Map.groupBy(db.audit.filter(({ action, outcome }) => action === 'approval.redeem' && outcome === 'done'), (row) => row.resource_id);
  return [...rows].filter(([, list]) => list.length > 1).map(([id, list]) => ({ rule: 'redeemed twice', detail: `${id ?? ''} has ${list.length} rows in the audit log` }));
}
