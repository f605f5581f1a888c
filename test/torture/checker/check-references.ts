import { type Op, type OpOf, wasAccepted, wasRefused } from '../history.ts';
import type { Snapshot, Violation } from './snapshot.ts';

/** Nothing is handed out before what it depends on may have been completed, nor to an agent that is not on its board. */
export function checkReferences(ops: readonly Op[], db: Snapshot): Violation[] {
  const completed = new Map<string, number>();
  for (const op of ops) {
    if (op.op === 'complete' && !wasRefused(op)) completed.set(op.request.task_id, Math.min(op.calledAt, completed.get(op.request.task_id) ?? Infinity));
  }
  const dependencies = Map.groupBy(db.dependencies, ({ task_id }) => task_id);
  const boards = new Map(db.tasks.map((task) => [task.id, task.board_id]));
  const members = new Set(db.members.map(({ board_id, agent_id }) => `${board_id}/${agent_id}`));
  const claims = ops.filter((op): op is OpOf<'claim'> & Op => op.op === 'claim' && wasAccepted(op));
  return claims.flatMap((claim) =>
    (claim.body as { items: { task: { id: string } }[] }).items.flatMap(({ task }): Violation[] => {
      const tooEarly = (dependencies.get(task.id) ?? []).filter(({ depends_on }) => (completed.get(depends_on) ?? Infinity) > (claim.answeredAt ?? Infinity));
      const board = boards.get(task.id) ?? null;
      const stranger = board !== null && !members.has(`${board}/${claim.request.agent_id}`);
      return [
        ...tooEarly.map(({ depends_on }) => ({ rule: 'too early', detail: `${task.id} was handed out before ${depends_on} was completed` })),
        ...(stranger ? [{ rule: 'wrong board', detail: `${task.id} was handed to ${claim.request.agent_id}, which is not on its board` }] : []),
      ];
    }),
  );
}
