import type { CredentialKind, Fault, Op, OpName, OpOf, Requests } from '../history.ts';
import { checkPurges } from './check-purges.ts';
import { checkRevocations, racesIn } from './check-revocations.ts';
import { checkSealing, sealingLags } from './check-sealing.ts';
import { checkSecrets } from './check-secrets.ts';
import { type Snapshot, TENANT, type Violation } from './snapshot.ts';

const EMPTY: Snapshot = { tasks: [], attempts: [], audit: [], events: [], comments: [], agents: [], dependencies: [], members: [], leaves: [], checkpoints: [], wrapped: [], purges: [] };
const rulesOf = (found: readonly Violation[]): string[] => [...new Set(found.map(({ rule }) => rule))].sort();

/** Every exchange takes one tick, one after the other. */
let ops: Op[];
let clock: number;
beforeEach(() => {
  ops = [];
  clock = 0;
});
function op<N extends OpName>(name: N, request: Requests[N], status: number, body: unknown = {}): OpOf<N> {
  const [calledAt, answeredAt] = [(clock += 1), (clock += 1)];
  const done: OpOf<N> = { op: name, request_id: `torture-${calledAt}`, request, calledAt, answeredAt, status, body };
  ops.push(done as unknown as Op);
  return done;
}

describe('revocations', () => {
  const use = (status: number, kind: CredentialKind = 'api-key'): OpOf<'use'> => op('use', { credential: 'k', kind }, status);
  const revoke = (status: number): OpOf<'revoke'> => op('revoke', { credential: 'k', kind: 'api-key' }, status);

  it('are kept when nothing that begins after the answer is accepted', () => {
    use(200);
    const [during, end] = [use(200), revoke(204)];
    // Begun before the answer: either is right.
    during.calledAt = end.calledAt + 0.5;
    use(401);
    expect([rulesOf(checkRevocations(ops)), racesIn(ops)]).toEqual([[], { 'api-key': 1 }]);
  });

  it('are kept by a breaker that refuses, and not shown by a database that is away', () => {
    const claim = (status: number, body?: object): OpOf<'use'> => op('use', { credential: 'b', kind: 'breaker' }, status, body);
    claim(200);
    op('revoke', { credential: 'b', kind: 'breaker' }, 200);
    claim(503, { code: 'unavailable' });
    expect([rulesOf(checkRevocations(ops)), racesIn(ops)]).toEqual([[], {}]);
    claim(503, { code: 'circuit_open' });
    expect(racesIn(ops)).toEqual({ breaker: 1 });
    claim(200);
    expect(rulesOf(checkRevocations(ops))).toEqual(['revoked in vain']);
  });

  it('are broken by one use that begins later and is accepted', () => {
    revoke(204);
    use(401);
    use(200);
    expect(rulesOf(checkRevocations(ops))).toEqual(['revoked in vain']);
  });

  it('promise nothing without an answer, and refuse nobody before they are asked for', () => {
    revoke(0);
    use(200);
    expect([rulesOf(checkRevocations(ops)), racesIn(ops)]).toEqual([[], {}]);
    op('use', { credential: 'other', kind: 'session' }, 401);
    expect(rulesOf(checkRevocations(ops))).toEqual(['refused too early']);
  });
});

describe('secrets', () => {
  const rotate = (value: string, status = 200): OpOf<'rotate-secret'> => op('rotate-secret', { secret_id: 's', value }, status);
  const reveal = (value: string, last = false): OpOf<'reveal'> => op('reveal', { secret_id: 's', ...(last ? { last } : {}) }, 200, { value });
  const rules = (wrapped: Snapshot['wrapped'] = []): string[] => rulesOf(checkSecrets(ops, { ...EMPTY, wrapped }));
  beforeEach(() => op('make-secret', { name: 'S', value: 'one' }, 201, { id: 's' }));

  it('are what they were last said to be, or what an unanswered change may have made them', () => {
    reveal('one');
    rotate('two');
    rotate('three', 0);
    reveal('two');
    reveal('three');
    op('use-secret', { agent_id: 'a', secret_id: 's' }, 403, { code: 'lease_required' });
    reveal('two', true);
    expect(rules([{ master_key_id: 'new', current: true, keys: 9 }])).toEqual([]);
  });

  it('may not go back, be something else, or be gone', () => {
    rotate('two');
    reveal('one', true);
    expect(rules()).toEqual(['secret wrong']);
    ops.pop();
    reveal('what nobody wrote', true);
    expect(rules()).toEqual(['secret wrong']);
    ops.pop();
    op('reveal', { secret_id: 's', last: true }, 500);
    expect(rules()).toEqual(['secret lost']);
    ops.pop();
    reveal('two', true);
    op('use-secret', { agent_id: 'a', secret_id: 's' }, 410, { code: 'erased' });
    expect(rules()).toEqual(['secret lost']);
  });

  it('stay granted, and under no replaced key', () => {
    reveal('one', true);
    op('use-secret', { agent_id: 'a', secret_id: 's' }, 403, { code: 'secret_not_granted' });
    expect(rules([{ master_key_id: 'old', current: false, keys: 1 }])).toEqual(['grant lost', 'key left behind']);
  });
});

describe('the sealed log', () => {
  const row = (id: string, at = 1_000): Snapshot['audit'][number] => ({ id, action: 'task.create', outcome: 'done', resource_id: null, request_id: null, tenant_id: TENANT, at });
  const whole = (): Snapshot => ({
    ...EMPTY,
    audit: [row('a'), row('b', 2_000), row('c', 3_000)],
    leaves: ['a', 'b', 'c'].map((row_id, seq) => ({ tenant_id: TENANT, seq, row_id })),
    checkpoints: [{ tenant_id: TENANT, size: 1, root: 'r1', at: 1_100 }, { tenant_id: TENANT, size: 3, root: 'r3', at: 3_050 }],
  });
  const rules = (db: Snapshot): string[] => rulesOf(checkSealing(ops, db));

  it('has each row once, and every checkpoint that was shown', () => {
    for (const [size, root] of [[1, 'r1'], [1, 'r1'], [3, 'r3']]) op('checkpoint', {}, 200, { items: [{ size, root }] });
    op('checkpoint', {}, 503);
    expect(rules(whole())).toEqual([]);
  });

  it.each<[string, string[], (db: Snapshot) => void]>([
    ['a row that was passed by', ['not sealed'], (db) => void (db.audit = [...db.audit, row('d')])],
    ['a row that was sealed twice', ['not sealed', 'sealed twice'], (db) => void (db.leaves = [...db.leaves, { tenant_id: TENANT, seq: 3, row_id: 'a' }])],
    ['a leaf without its row', ['sealed without row'], (db) => void (db.audit = db.audit.slice(1))],
    ['a gap', ['gap in the tree'], (db) => void (db.leaves = db.leaves.map((leaf) => (leaf.seq === 2 ? { ...leaf, seq: 3 } : leaf)))],
    ['a tree behind its checkpoint', ['not sealed'], (db) => void (db.checkpoints = db.checkpoints.slice(0, 1))],
  ])('notices %s', (_what, expected, spoil) => {
    const db = whole();
    spoil(db);
    expect(rules(db)).toEqual(expected);
  });

  it('notices a checkpoint that was shown otherwise, or a log that went back', () => {
    op('checkpoint', {}, 200, { items: [{ size: 3, root: 'r3' }] });
    op('checkpoint', {}, 200, { items: [{ size: 2, root: 'r2' }] });
    expect(rules(whole())).toEqual(['checkpoint changed', 'log went back']);
  });

  it('tells how long rows waited, but for the time of faults', () => {
    expect(sealingLags([], whole())).toEqual([50, 100, 1_050]);
    expect(sealingLags([{ name: 'kill the sequencer', from: 2_500, until: 2_600, offset: 0 }], whole())).toEqual([100]);
    expect(sealingLags([{ name: 'kill an agent', from: 2_500, until: 2_600, offset: 0 }], whole())).toHaveLength(3);
  });
});

describe('purges', () => {
  const done: Snapshot = { ...EMPTY, purges: [{ entity_id: 'a', traces: [] }] };
  const claim = (status: number, agentId = 'a'): OpOf<'claim'> => op('claim', { agent_id: agentId, max: 1 }, status, { items: [] });
  const purge = (): void => {
    op('purge', { entity_type: 'agent', entity_id: 'a' }, 202, { id: 'p' });
    claim(401);
    claim(200, 'b');
    op('purged', { entity_id: 'a' }, 200);
  };
  const rules = (db = done, faults: Fault[] = []): string[] => rulesOf(checkPurges({ ops, faults }, db));

  it('end one alone, for good', () => {
    claim(200);
    purge();
    claim(500, 'b');
    expect(rules()).toEqual([]);
  });

  it('are broken by what it does later, by what is left of it, and when they are never done', () => {
    purge();
    claim(200);
    expect(rules()).toEqual(['purged in vain']);
    ops.pop();
    expect(rules({ ...EMPTY, purges: [{ entity_id: 'a', traces: ['public.tasks'] }] })).toEqual(['purged in part']);
    expect(rules(EMPTY)).toEqual(['purge not done']);
  });

  it('are felt by nobody else, unless something else is broken too', () => {
    purge();
    const other = ops.find((each) => each.op === 'claim' && each.status === 200);
    if (other) other.status = 500;
    expect(rules()).toEqual(['disturbed']);
    expect(rules(done, [{ name: 'crash PostgreSQL', from: 1_000, until: 1_001, offset: 1_000 }])).toEqual([]);
  });
});
