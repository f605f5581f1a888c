import { type CredentialKind, type Op, wasAccepted, wasRefused } from '../history.ts';
import { type AuditRow, type Snapshot, TENANT, type Violation } from './snapshot.ts';

/** The action that each change is recorded as. */
export const ACTIONS = {
  create: 'task.create',
  patch: 'task.update',
  cancel: 'task.cancel',
  comment: 'task.comment',
  'patch-agent': 'agent.update',
  'make-secret': 'secret.create',
  'rotate-secret': 'secret.rotate',
  reveal: 'secret.reveal',
  'use-secret': 'secret.use',
  redeem: 'approval.redeem',
} as const;
const REVOCATIONS: Record<CredentialKind, string> = {
  session: 'session.end',
  'api-key': 'api-key.revoke',
  'agent-token': 'agent.rotate_token',
  address: 'security.update_ip_rules',
  breaker: 'circuit_breaker.force_open',
};
type Change = Extract<Op, { op: keyof typeof ACTIONS | 'control' | 'revoke' | 'purge' }>;

const isChange = (op: Op): op is Change => op.op in ACTIONS || op.op === 'control' || op.op === 'revoke' || op.op === 'purge';
function actionOf(op: Change): string {
  if (op.op === 'purge') return 'compliance.purge';
  if (op.op === 'control') return `agent.${op.request.act}`;
  return op.op === 'revoke' ? REVOCATIONS[op.request.kind] : ACTIONS[op.op];
}

/** Requests with one idempotency key are one change. */
const changeOf = (op: Change): string => (op.op === 'purge' ? `purge of ${op.request.entity_id}` : 'key' in op.request ? `${op.op} ${op.request.key}` : op.request_id);

/** Every change has exactly one audit row, and every row is a change. */
export function checkAudit(ops: readonly Op[], db: Snapshot): Violation[] {
  const rows = Map.groupBy(
    db.audit.filter((row) => row.outcome === 'done' && row.tenant_id === TENANT && row.request_id?.startsWith('torture-')),
    (row) => row.request_id ?? '',
  );
  const changes = ops.filter(isChange);
  const found = [...Map.groupBy(changes, changeOf)].flatMap(([name, tries]) => checkChange(name, tries, rows));
  const asked = new Set(changes.map((op) => op.request_id));
  for (const [requestId, list] of rows) {
    if (!asked.has(requestId))
      found.push({
        rule: 'audit without change',
        detail: `${list.map((row) => row.action).join(', ')} in ${requestId}, which changed nothing`,
      });
  }
  return [...found, ...madeWithoutRow(db, rows)];
}

/** A purge ends an agent, and its job says when it is done: both are told as of the request that began it. */
const BESIDE_A_PURGE = new Set(['agent.delete', 'compliance.purged']);

function checkChange(name: string, tries: readonly Change[], rows: Map<string, AuditRow[]>): Violation[] {
  const isOwn = (op: Change, row: AuditRow): boolean => op.op !== 'purge' || !BESIDE_A_PURGE.has(row.action);
  const own = tries.flatMap((op) => (rows.get(op.request_id) ?? []).filter((row) => isOwn(op, row)));
  const found: Violation[] = [];
  if (own.length > 1) found.push({ rule: 'audit doubled', detail: `${name} has ${own.length} audit rows` });
  const accepted = tries.filter((op) => wasAccepted(op));
  if (accepted.length > 0 && own.length === 0)
    found.push({ rule: 'audit missing', detail: `${name} was acknowledged and has no audit row` });
  const action = actionOf(tries[0] as Change);
  for (const row of own) {
    if (row.action !== action) found.push({ rule: 'audit wrong', detail: `${name} is recorded as ${row.action}, not ${action}` });
  }
  const certainlyNot = tries.every((op) => wasRefused(op));
  if (certainlyNot && own.length > 0) found.push({ rule: 'audit without change', detail: `${name} was refused and has an audit row` });
  return found;
}

/** What exists was made by somebody, and that has its row; what has a row exists. Also for requests without an answer. */
function madeWithoutRow(db: Snapshot, rows: Map<string, AuditRow[]>): Violation[] {
  const made = new Set(
    [...rows.values()]
      .flat()
      .filter((row) => row.action === ACTIONS.create)
      .map((row) => row.resource_id),
  );
  const existing = new Set(db.tasks.map((task) => task.id));
  return [
    ...db.tasks
      .filter((task) => !made.has(task.id))
      .map((task) => ({ rule: 'audit missing', detail: `the making of ${task.id} has no audit row` })),
    ...[...made]
      .filter((id) => id !== null && !existing.has(id))
      .map((id) => ({ rule: 'audit without change', detail: `the making of ${id ?? ''} is recorded and it is not there` })),
  ];
}
