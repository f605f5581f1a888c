import type { Op, OpOf, Requests } from '../history.ts';
import { checkApprovals } from './check-approvals.ts';
import { type AuditRow, type Snapshot, TENANT } from './snapshot.ts';

const NOTHING: Snapshot = { tasks: [], attempts: [], audit: [], events: [], comments: [], agents: [], dependencies: [], members: [], leaves: [], checkpoints: [], wrapped: [], purges: [] };
let count = 0;
function redeem(status: number, request: Partial<Requests['redeem']> = {}): Op {
  count += 1;
  const op: OpOf<'redeem'> = { op: 'redeem', request_id: `torture-${count}`, request: { approval_id: 'a', approved: true, exact: true, ...request }, calledAt: count, answeredAt: count, status };
  return op;
}
const row = (resource: string): AuditRow => ({ id: `row-${(count += 1)}`, action: 'approval.redeem', outcome: 'done', resource_id: resource, request_id: null, tenant_id: TENANT, at: 0 });
const rules = (ops: Op[], audit: AuditRow[] = []): string[] => checkApprovals(ops, { ...NOTHING, audit }).map(({ rule }) => rule);

describe('the checker of approvals', () => {
  it('is content with one use of each, however many were refused or lost', () => {
    expect(rules([redeem(200), redeem(409), redeem(0), redeem(409, { exact: false }), redeem(409, { approval_id: 'b', approved: false }), redeem(200, { approval_id: 'c' })], [row('a'), row('c')])).toEqual([]);
  });

  it('notices a second use, answered or only recorded', () => {
    expect(rules([redeem(200), redeem(200)])).toEqual(['redeemed twice']);
    expect(rules([redeem(200), redeem(0)], [row('a'), row('a')])).toEqual(['redeemed twice']);
  });

  it('notices what was not approved', () => {
    expect(rules([redeem(200, { exact: false })])).toEqual(['redeemed for something else']);
    expect(rules([redeem(200, { approved: false })])).toEqual(['redeemed without approval']);
  });
});
