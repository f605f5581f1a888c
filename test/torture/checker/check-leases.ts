import { type Op, type OpOf, wasAccepted } from '../history.ts';
import type { AttemptRow, Snapshot, Violation } from './snapshot.ts';

interface Grant {
  agentId: string;
  fence: number;
  calledAt: number;
  answeredAt: number;
}
type Write = OpOf<'renew'> | OpOf<'complete'> | OpOf<'fail'> | OpOf<'release'>;
const WRITES = new Set(['renew', 'complete', 'fail', 'release']);
/** How an attempt ends by each write. */
const OUTCOMES = { complete: 'completed', fail: 'failed', release: 'released' } as const;

/** One owner per attempt, no write under an older fence, and every acknowledged outcome in the database. */
export function checkLeases(ops: readonly Op[], db: Snapshot): Violation[] {
  const grants = grantsIn(ops);
  const attempts = new Map(db.attempts.map((attempt) => [keyOf(attempt.task_id, attempt.fence), attempt]));
  const writes = ops.filter((op): op is Write => WRITES.has(op.op) && wasAccepted(op));
  return [
    ...owners(grants, attempts),
    ...order(grants),
    ...staleWrites(writes, grants, attempts, ops),
    ...outcomes(writes, attempts, db),
    ...completeness(db),
  ];
}

const keyOf = (taskId: string, fence: number): string => `${taskId}/${fence}`;

function grantsIn(ops: readonly Op[]): Map<string, Grant[]> {
  const grants = new Map<string, Grant[]>();
  for (const op of ops) {
    if (op.op !== 'claim' || !wasAccepted(op)) continue;
    for (const { task, lease } of (op.body as { items: { task: { id: string }; lease: { fence: number } }[] }).items) {
      const grant = { agentId: op.request.agent_id, fence: lease.fence, calledAt: op.calledAt, answeredAt: op.answeredAt ?? Infinity };
      grants.set(task.id, [...(grants.get(task.id) ?? []), grant]);
    }
  }
  return grants;
}

function owners(grants: Map<string, Grant[]>, attempts: Map<string, AttemptRow>): Violation[] {
  const found: Violation[] = [];
  for (const [taskId, list] of grants) {
    for (const [fence, same] of Map.groupBy(list, (grant) => grant.fence)) {
      if (same.length > 1)
        found.push({
          rule: 'two owners',
          detail: `${keyOf(taskId, fence)} was handed out ${same.length} times, to ${same.map((grant) => grant.agentId).join(', ')}`,
        });
      const owner = attempts.get(keyOf(taskId, fence))?.agent_id;
      const agentId = same[0]?.agentId;
      if (owner !== undefined && owner !== agentId)
        found.push({ rule: 'two owners', detail: `${keyOf(taskId, fence)} was handed to ${agentId} and is recorded for ${owner}` });
    }
  }
  return found;
}

/** A claim that was asked for after another was answered has the greater fence. */
function order(grants: Map<string, Grant[]>): Violation[] {
  const found: Violation[] = [];
  for (const [taskId, list] of grants) {
    for (const later of list) {
      const wrong = list.find((earlier) => earlier.answeredAt < later.calledAt && earlier.fence >= later.fence);
      if (wrong) found.push({ rule: 'fence went back', detail: `${taskId}: ${wrong.fence}, later ${later.fence}` });
    }
  }
  return found;
}

/** Accepted although a newer fence had been handed out before it was sent. */
function staleWrites(
  writes: readonly Write[],
  grants: Map<string, Grant[]>,
  attempts: Map<string, AttemptRow>,
  ops: readonly Op[],
): Violation[] {
  return writes.flatMap((write) => {
    const { task_id, fence } = write.request;
    const newer = (grants.get(task_id) ?? []).find((grant) => grant.fence > fence && grant.answeredAt < write.calledAt);
    if (!newer || isRepeat(write, newer, attempts, ops)) return [];
    return [
      {
        rule: 'stale write',
        detail: `${write.op} of ${keyOf(task_id, fence)} was accepted although ${keyOf(task_id, newer.fence)} had been handed out before (${write.request_id})`,
      },
    ];
  });
}

/** The same call as one that was sent in time and took effect: that is answered alike, whenever it comes again. */
function isRepeat(write: Write, newer: Grant, attempts: Map<string, AttemptRow>, ops: readonly Op[]): boolean {
  if (write.op === 'renew') return false;
  const { task_id, fence, agent_id } = write.request;
  const attempt = attempts.get(keyOf(task_id, fence));
  if (attempt?.outcome !== OUTCOMES[write.op] || attempt.agent_id !== agent_id) return false;
  return ops.some(
    (op) =>
      op.op === write.op &&
      op.calledAt < newer.answeredAt &&
      (op as Write).request.task_id === task_id &&
      (op as Write).request.fence === fence,
  );
}

/** What an agent was told has been taken stands in the database, under its fence and as its own. */
function outcomes(writes: readonly Write[], attempts: Map<string, AttemptRow>, db: Snapshot): Violation[] {
  const tasks = new Map(db.tasks.map((task) => [task.id, task]));
  const purged = new Set(db.purges.map((purge) => purge.entity_id));
  const found: Violation[] = [];
  for (const write of writes) {
    if (write.op === 'renew') continue;
    const { task_id, fence, agent_id } = write.request;
    const attempt = attempts.get(keyOf(task_id, fence));
    if (attempt?.outcome !== OUTCOMES[write.op] || attempt.agent_id !== agent_id) {
      found.push({
        rule: 'lost',
        detail: `${write.op} of ${keyOf(task_id, fence)} by ${agent_id} was acknowledged; the attempt is ${attempt?.outcome ?? 'not there'}, by ${attempt?.agent_id ?? 'nobody'}`,
      });
    }
    if (write.op !== 'complete') continue;
    const task = tasks.get(task_id);
    const result = task?.result as { by?: string } | null | undefined;
    // What a purged agent wrote goes; that it did its work stays.
    const isKept = purged.has(agent_id) || result?.by === write.request.result.by;
    if (task?.status !== 'completed' || !isKept) {
      found.push({
        rule: 'lost',
        detail: `${keyOf(task_id, fence)} was acknowledged as completed; the task is ${task?.status ?? 'gone'} with the result of ${result?.by ?? 'nobody'}`,
      });
    }
  }
  return found;
}

/** Every fence of a task that has ended has one attempt, and only the last may have completed it. */
function completeness(db: Snapshot): Violation[] {
  const byTask = Map.groupBy(db.attempts, (attempt) => attempt.task_id);
  return db.tasks.flatMap((task) => {
    const attempts = byTask.get(task.id) ?? [];
    const found: Violation[] = [];
    const fences = new Set(attempts.map((attempt) => attempt.fence));
    if (fences.size !== attempts.length) found.push({ rule: 'doubled', detail: `${task.id} has two attempts under one fence` });
    const isEnded = ['completed', 'cancelled', 'dead_letter'].includes(task.status);
    if (isEnded && fences.size !== task.fence)
      found.push({ rule: 'lost', detail: `${task.id} was handed out ${task.fence} times and has ${fences.size} attempts` });
    const completed = attempts.filter((attempt) => attempt.outcome === 'completed');
    if (completed.length > 1) found.push({ rule: 'doubled', detail: `${task.id} was completed ${completed.length} times` });
    if ((task.status === 'completed') !== (completed.length === 1))
      found.push({ rule: 'lost', detail: `${task.id} is ${task.status} with ${completed.length} completed attempts` });
    if (completed.some((attempt) => attempt.fence !== task.fence))
      found.push({ rule: 'stale write', detail: `${task.id} was completed under an older fence than ${task.fence}` });
    return found;
  });
}
