import { distribute, laneDemand, type ClaimRequest } from './claim-distribution.js';
import type { Claimant } from './claims.repository.js';

const claimant = (id: string, free: number, lanes: string[]): [string, Claimant] => [id, { id, free, lanes, control_state: 'running', is_active: true }];
const request = (agentId: string, max: number): ClaimRequest => ({ agentId, max, leaseSeconds: 60 });
const candidates = (lane: string, ...ids: string[]): { id: string; lane_id: string; priority_rank: number }[] => ids.map((id) => ({ id, lane_id: lane, priority_rank: 2 }));

describe('handing out a batch', () => {
  it('asks each lane for the sum of what its agents can take', () => {
    const claimants = new Map([claimant('a', 2, ['1', '2']), claimant('b', 5, ['1']), claimant('c', 0, ['1'])]);
    expect(laneDemand([request('a', 10), request('b', 3), request('c', 9)], claimants)).toEqual([
      { id: '1', limit: 5 },
      { id: '2', limit: 2 },
    ]);
  });

  it('gives every task to one agent, the oldest first, evenly', () => {
    const claimants = new Map([claimant('a', 10, ['1']), claimant('b', 10, ['1'])]);
    const given = distribute([request('a', 3), request('b', 1)], claimants, candidates('1', 't1', 't2', 't3', 't4', 't5'));
    expect(given.map((list) => list.map(({ taskId }) => taskId))).toEqual([['t1', 't3', 't4'], ['t2']]);
  });

  it('gives nobody a task of a lane that it does not serve, nor more than it may hold', () => {
    const claimants = new Map([claimant('a', 1, ['1']), claimant('b', 10, ['2'])]);
    const given = distribute([request('a', 5), request('b', 5)], claimants, [...candidates('1', 't1', 't2'), ...candidates('2', 't3')]);
    expect(given.map((list) => list.map(({ taskId }) => taskId))).toEqual([['t1'], ['t3']]);
  });

  it('holds two claims of one agent to its one limit', () => {
    const claimants = new Map([claimant('a', 2, ['1'])]);
    const given = distribute([request('a', 2), request('a', 2)], claimants, candidates('1', 't1', 't2', 't3'));
    expect(given.flat()).toHaveLength(2);
  });
});
