import type { Assignment, Candidate, Claimant } from './claims.repository.js';

/** One claim of a batch. */
export interface ClaimRequest {
  agentId: string;
  max: number;
  leaseSeconds: number;
  boardId?: string;
}

/**
 * How many candidates of each lane could be used by the claims of a batch: the sum over the agents that may serve it.
 * @param claimants by agent id
 */
export function laneDemand(requests: readonly ClaimRequest[], claimants: ReadonlyMap<string, Claimant>): { id: string; limit: number }[] {
  const demand = new Map<string, number>();
  for (const { agentId, max } of requests) {
    const claimant = claimants.get(agentId);
    const wanted = Math.min(max, claimant?.free ?? 0);
    if (!claimant || wanted <= 0) continue;
    for (const lane of claimant.lanes) demand.set(lane, (demand.get(lane) ?? 0) + wanted);
  }
  return [...demand].map(([id, limit]) => ({ id, limit }));
}

/**
 * Gives the candidates out in their order (priority, then age), each to the claim that may take it and has the fewest so
 * far, so that no agent of a batch starves beside one that asked for more.
 * @returns for each request, in order, what it gets
 */
export function distribute(requests: readonly ClaimRequest[], claimants: ReadonlyMap<string, Claimant>, candidates: readonly Candidate[]): Assignment[][] {
  const given: Assignment[][] = requests.map(() => []);
  const free = new Map([...claimants].map(([id, claimant]) => [id, claimant.free]));
  const lanes = new Map([...claimants].map(([id, claimant]) => [id, new Set(claimant.lanes)]));
  for (const candidate of candidates) {
    let best = -1;
    for (const [index, { agentId, max }] of requests.entries()) {
      const open = (given[index]?.length ?? 0) < max && (free.get(agentId) ?? 0) > 0 && lanes.get(agentId)?.has(candidate.lane_id);
      if (open && (best < 0 || (given[index]?.length ?? 0) < (given[best]?.length ?? 0))) best = index;
    }
    const request = requests[best];
    if (!request) continue;
    given[best]?.push({ taskId: candidate.id, agentId: request.agentId, leaseSeconds: request.leaseSeconds });
    free.set(request.agentId, (free.get(request.agentId) ?? 1) - 1);
  }
  return given;
}
