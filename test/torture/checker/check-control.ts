import { type Op, type OpOf, wasAccepted } from '../history.ts';
import type { Violation } from './snapshot.ts';

/** From the answer to a pause or a kill until somebody asks to resume. */
interface Spell {
  act: 'pause' | 'kill';
  from: number;
  until: number;
}

const WRITES = new Set(['renew', 'complete', 'fail', 'release']);

/** An agent that is paused is given nothing new; one that is killed is refused everything. One operator sends all acts. */
export function checkControl(ops: readonly Op[]): Violation[] {
  const acts = ops.filter((op): op is OpOf<'control'> => op.op === 'control');
  return [...Map.groupBy(acts, (op) => op.request.agent_id)].flatMap(([agentId, list]) => {
    const own = ops.filter((op) => 'agent_id' in op.request && op.request.agent_id === agentId && op.op !== 'control');
    return spellsIn(list).flatMap((spell) => disobedience(agentId, spell, own));
  });
}

function spellsIn(acts: readonly OpOf<'control'>[]): Spell[] {
  return acts.flatMap((op, index) => {
    const { act } = op.request;
    if (act === 'resume' || !wasAccepted(op)) return [];
    return [{ act, from: op.answeredAt ?? Infinity, until: acts[index + 1]?.calledAt ?? Infinity }];
  });
}

function disobedience(agentId: string, { act, from, until }: Spell, own: readonly Op[]): Violation[] {
  const within = own.filter((op) => wasAccepted(op) && op.calledAt > from && (op.answeredAt ?? Infinity) < until);
  const wrong = within.filter((op) => (op.op === 'claim' ? act === 'kill' || (op.body as { items: unknown[] }).items.length > 0 : act === 'kill' && WRITES.has(op.op)));
  return wrong.map((op) => ({ rule: 'disobeyed', detail: `${agentId} was under a ${act} and its ${op.op} was accepted (${op.request_id})` }));
}
