import type { Assignment, Candidate, Claimant, Wish } from './claims.repository.js';

/** One claim of a batch. */
export interface ClaimRequest extends Wish {
  leaseSeconds: number;
  requestId?: string;
}

/** A claim with what its agent may take now. */
export interface ServedClaim {
  request: ClaimRequest;
  claimant: Claimant | undefined;
  /** Lanes that count for this claim: the agent's, those of the claim's board alone when it names one. */
  lanes: ReadonlySet<string>;
}

/** Whether the agent is given tasks at all now. */
export const isServed = (claimant: Claimant | undefined): claimant is Claimant => claimant !== undefined && claimant.is_active && claimant.control_state === 'running';

/** Joins the claims with their agents; an agent that is paused, killed or inactive serves no lane. */
export function serve(requests: readonly ClaimRequest[], claimants: ReadonlyMap<string, Claimant>): ServedClaim[] {
  return requests.map((request) => {
    const claimant = claimants.get(request.agentId);
    const lanes = isServed(claimant) ? claimant.lanes.filter(({ board_id }) => request.boardId === undefined || board_id === request.boardId) : [];
    return { request, claimant, lanes: new Set(lanes.map(({ id }) => id)) };
  });
}

/**
 * Gives the candidates out in their order (priority, then age), each once, to the claim that may take it and has the
 * fewest so far, so that no agent of a batch starves beside one that asked for more.
 * @returns for each claim, in order, what it gets; and the candidates that nobody could take any more
 */
export function distribute(claims: readonly ServedClaim[], candidates: readonly Candidate[]): { given: Assignment[][]; left: Candidate[] } {
  const given: Assignment[][] = claims.map(() => []);
  const free = new Map(claims.map(({ request, claimant }) => [request.agentId, claimant?.free ?? 0]));
  const left: Candidate[] = [];
  for (const candidate of candidates) {
    let best: { claim: ServedClaim; list: Assignment[] } | undefined;
    for (const [index, claim] of claims.entries()) {
      const list = given[index] ?? [];
      const open = list.length < claim.request.max && (free.get(claim.request.agentId) ?? 0) > 0 && claim.lanes.has(candidate.lane_id);
      if (open && (!best || list.length < best.list.length)) best = { claim, list };
    }
    if (!best) {
      left.push(candidate);
      continue;
    }
    const { agentId, leaseSeconds, requestId } = best.claim.request;
    best.list.push({ taskId: candidate.id, agentId, leaseSeconds, ...(requestId ? { requestId } : {}) });
    free.set(agentId, (free.get(agentId) ?? 1) - 1);
  }
  return { given, left };
}
