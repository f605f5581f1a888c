import { type ClaimRequest, distribute, serve } from './claim-distribution.js';
import type { Assignment, Candidate, Claimant } from './claims.repository.js';

const claimant = (id: string, free: number, lanes: string[], fields: Partial<Claimant> = {}): [string, Claimant] => [
  id,
  { id, free, lanes: lanes.map((lane) => ({ id: lane, board_id: null })), control_state: 'running', is_active: true, ...fields },
];
const request = (agentId: string, max: number, boardId?: string): ClaimRequest => ({ agentId, max, leaseSeconds: 60, ...(boardId ? { boardId } : {}) });
const candidates = (lane: string, ...ids: string[]): Candidate[] => ids.map((id) => ({ id, lane_id: lane }));
const ids = (given: Assignment[][]): string[][] => given.map((list) => list.map(({ taskId }) => taskId));

describe('handing out a batch', () => {
  it('gives every task to one agent, the oldest first, evenly, and says what is left', () => {
    const claims = serve([request('a', 3), request('b', 1)], new Map([claimant('a', 10, ['1']), claimant('b', 10, ['1'])]));
    const { given, left } = distribute(claims, candidates('1', 't1', 't2', 't3', 't4', 't5'));
    expect(ids(given)).toEqual([['t1', 't3', 't4'], ['t2']]);
    expect(left.map(({ id }) => id)).toEqual(['t5']);
  });

  it('gives nobody a task of a lane that it does not serve, nor more than it may hold', () => {
    const claims = serve([request('a', 5), request('b', 5)], new Map([claimant('a', 1, ['1']), claimant('b', 10, ['2'])]));
    expect(ids(distribute(claims, [...candidates('1', 't1', 't2'), ...candidates('2', 't3')]).given)).toEqual([['t1'], ['t3']]);
  });

  it('holds two claims of one agent to its one limit', () => {
    const claims = serve([request('a', 2), request('a', 2)], new Map([claimant('a', 2, ['1'])]));
    expect(distribute(claims, candidates('1', 't1', 't2', 't3')).given.flat()).toHaveLength(2);
  });

  it('looks at one board alone when the claim says so, and at nothing for an agent that is paused', () => {
    const both = claimant('a', 9, [], { lanes: [{ id: '1', board_id: null }, { id: '2', board_id: 'b' }] });
    const paused = claimant('p', 9, ['1'], { control_state: 'paused' });
    const claims = serve([request('a', 1, 'b'), request('a', 1), request('p', 1)], new Map([both, paused]));
    expect(claims.map(({ lanes }) => [...lanes])).toEqual([['2'], ['1', '2'], []]);
  });
});
