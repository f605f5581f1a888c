import type { History } from '../history.ts';
import { checkApprovals } from './check-approvals.ts';
import { checkAudit } from './check-audit.ts';
import { checkChanges } from './check-changes.ts';
import { checkControl } from './check-control.ts';
import { checkEvents } from './check-events.ts';
import { checkLeases } from './check-leases.ts';
import { checkPurges } from './check-purges.ts';
import { checkRevocations } from './check-revocations.ts';
import { checkSealing } from './check-sealing.ts';
import { checkSecrets } from './check-secrets.ts';
import { checkReferences } from './check-references.ts';
import { checkSockets } from './check-sockets.ts';
import type { Snapshot, Violation } from './snapshot.ts';

/** Everything that the plane promised and did not keep. */
export function check(history: History, db: Snapshot): Violation[] {
  return [
    ...checkChanges(history.ops, db),
    ...checkLeases(history.ops, db),
    ...checkAudit(history.ops, db),
    ...checkApprovals(history.ops, db),
    ...checkControl(history.ops),
    ...checkRevocations(history.ops),
    ...checkSecrets(history.ops, db),
    ...checkSealing(history.ops, db),
    ...checkPurges(history, db),
    ...checkReferences(history.ops, db),
    ...checkEvents(history.deliveries, db),
    ...checkSockets(history.sockets, db),
    ...checkEnded(db),
  ];
}

const FINAL = new Set(['completed', 'cancelled', 'dead_letter']);

function checkEnded(db: Snapshot): Violation[] {
  return db.tasks
    .filter((task) => !FINAL.has(task.status))
    .map((task) => ({ rule: 'never ended', detail: `${task.id} is still ${task.status}` }));
}
