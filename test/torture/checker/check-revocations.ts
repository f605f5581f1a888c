import { isCircuitOpen, type Op, type OpOf, wasAccepted } from '../history.ts';
import type { Violation } from './snapshot.ts';

const REFUSED = new Set([401, 403]);

const isRefused = (op: Op): boolean => REFUSED.has(op.status) || isCircuitOpen(op);

/** Once a revocation (or the forced opening of a circuit breaker) is answered nothing that begins with the credential succeeds, whichever process it gets to. Before that nothing is refused. */
export function checkRevocations(ops: readonly Op[]): Violation[] {
  const ends = new Map(ops.filter((op): op is OpOf<'revoke'> & Op => op.op === 'revoke').map((op) => [op.request.credential, op]));
  const uses = ops.filter((op): op is OpOf<'use'> & Op => op.op === 'use');
  return uses.flatMap((use): Violation[] => {
    const { credential, kind } = use.request;
    const end = ends.get(credential);
    const ended = end && wasAccepted(end) ? (end.answeredAt ?? Infinity) : Infinity;
    if (wasAccepted(use) && use.calledAt > ended) {
      const late = (use.calledAt - ended).toFixed(1);
      return [{ rule: 'revoked in vain', detail: `${kind} ${credential} was used ${late} ms after its revocation had been answered, and accepted (${use.request_id})` }];
    }
    if (isRefused(use) && (use.answeredAt ?? Infinity) < (end?.calledAt ?? Infinity))
      return [{ rule: 'refused too early', detail: `${kind} ${credential} was refused with ${use.status} before anybody revoked it (${use.request_id})` }];
    return [];
  });
}

/** Races that show something: used before, and asked for again after the answer. By the kind of the credential. */
export function racesIn(ops: readonly Op[]): Record<string, number> {
  const uses = Map.groupBy(ops.filter((op): op is OpOf<'use'> & Op => op.op === 'use'), (op) => op.request.credential);
  const counts: Record<string, number> = {};
  for (const op of ops) {
    if (op.op !== 'revoke' || !wasAccepted(op)) continue;
    const own = uses.get(op.request.credential) ?? [];
    const isShown = own.some((use) => wasAccepted(use) && use.calledAt < op.calledAt) && own.some((use) => use.calledAt > (op.answeredAt ?? Infinity) && isRefused(use));
    if (isShown) counts[op.request.kind] = (counts[op.request.kind] ?? 0) + 1;
  }
  return counts;
}
