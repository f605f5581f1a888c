import { type Op, type OpName, type OpOf, wasAccepted } from '../history.ts';
import type { Snapshot, Violation } from './snapshot.ts';

const opsOf = <N extends OpName>(ops: readonly Op[], name: N): OpOf<N>[] => ops.filter((op) => op.op === name) as unknown as OpOf<N>[];

/** What people and programs were told is so, and nothing twice: creations, comments, cancellations, descriptions, reads. */
export function checkChanges(ops: readonly Op[], db: Snapshot): Violation[] {
  return [...creations(ops, db), ...comments(ops, db), ...cancellations(ops, db), ...descriptions(ops, db), ...reads(ops)];
}

function creations(ops: readonly Op[], db: Snapshot): Violation[] {
  const found: Violation[] = [];
  const rows = Map.groupBy(db.tasks, (task) => task.title);
  const calls = Map.groupBy(opsOf(ops, 'create'), (op) => op.request.title);
  for (const [title, tries] of calls) {
    const made = rows.get(title) ?? [];
    const ids = new Set(tries.filter((op) => wasAccepted(op as Op)).map((op) => (op.body as { id: string }).id));
    if (made.length > 1) found.push({ rule: 'doubled', detail: `${title} was made ${made.length} times` });
    if (ids.size > 1) found.push({ rule: 'doubled', detail: `${title} was acknowledged with ${ids.size} ids` });
    for (const id of ids)
      if (!made.some((task) => task.id === id)) found.push({ rule: 'lost', detail: `${title} was acknowledged as ${id} and is not there` });
  }
  for (const title of rows.keys()) if (!calls.has(title)) found.push({ rule: 'invented', detail: `nobody asked for ${title}` });
  return found;
}

function comments(ops: readonly Op[], db: Snapshot): Violation[] {
  const found: Violation[] = [];
  const rows = Map.groupBy(db.comments, (comment) => comment.body);
  for (const [body, tries] of Map.groupBy(opsOf(ops, 'comment'), (op) => op.request.body)) {
    const count = rows.get(body)?.length ?? 0;
    if (count > 1) found.push({ rule: 'doubled', detail: `${body} is there ${count} times` });
    if (count === 0 && tries.some((op) => wasAccepted(op)))
      found.push({ rule: 'lost', detail: `${body} was acknowledged and is not there` });
  }
  return found;
}

function cancellations(ops: readonly Op[], db: Snapshot): Violation[] {
  const status = new Map(db.tasks.map((task) => [task.id, task.status]));
  return opsOf(ops, 'cancel')
    .filter((op) => wasAccepted(op as Op) && status.get(op.request.task_id) !== 'cancelled')
    .map((op) => ({ rule: 'lost', detail: `${op.request.task_id} was cancelled and is ${status.get(op.request.task_id) ?? 'gone'}` }));
}

/** The last acknowledged description stands, unless an unanswered one may have come over it. */
function descriptions(ops: readonly Op[], db: Snapshot): Violation[] {
  const found: Violation[] = [];
  const now = new Map(db.tasks.map((task) => [task.id, task.description]));
  for (const [id, changes] of Map.groupBy(opsOf(ops, 'patch'), (op) => op.request.task_id)) {
    const allowed = new Set<string | null>(changes.filter((op) => op.status === 0 || op.status >= 500).map((op) => op.request.description));
    // One client changes a task, one change after the other.
    allowed.add(changes.filter((op) => wasAccepted(op as Op)).at(-1)?.request.description ?? null);
    const value = now.get(id) ?? null;
    if (!allowed.has(value))
      found.push({ rule: 'lost', detail: `${id} says ${value ?? 'nothing'} and should say one of ${[...allowed].join(', ')}` });
  }
  return found;
}

function reads(ops: readonly Op[]): Violation[] {
  return opsOf(ops, 'read')
    .filter((op) => op.status === 404)
    .map((op) => ({ rule: 'lost', detail: `${op.request.task_id} was acknowledged before and could not be read (${op.request_id})` }));
}
