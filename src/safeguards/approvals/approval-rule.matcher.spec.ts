import fc from 'fast-check';
import { APPROVAL_RISKS } from './approval.entity.js';
import { demandOf, fits, inOrder, type Rule, type RuleMatch, ruleOn, type RuleSubject } from './approval-rule.matcher.js';

const KINDS = ['ssh.execute', 'ssh.copy', 'secret.reveal', 'task.complete'];
const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const risk = some(...APPROVAL_RISKS);

const subjects: fc.Arbitrary<RuleSubject> = fc.record({
  kind: some(...KINDS), tool: maybe(some('shell', 'browser')), agent_id: maybe(some('a', 'b')), board_id: maybe(some('x', 'y')), autonomy_level: maybe(some('manual', 'autonomous')),
  risk: maybe(risk), cost_usd: maybe(fc.integer({ min: 0, max: 10 })), confidence: maybe(some(0, 0.5, 1)),
});
const matches: fc.Arbitrary<RuleMatch> = fc.record(
  {
    kinds: fc.subarray([...KINDS, 'ssh.*', '*'], { minLength: 1 }), tools: fc.subarray(['shell', 'bro*']), agent_ids: fc.subarray(['a', 'b']), board_ids: fc.subarray(['x', 'y']),
    autonomy_levels: fc.subarray<'manual' | 'autonomous'>(['manual', 'autonomous']), min_risk: risk, min_cost_usd: fc.integer({ min: 0, max: 10 }), max_confidence: some(0, 0.5, 1),
  },
  { requiredKeys: [] },
);
const rules: fc.Arbitrary<Rule> = fc.record({
  id: fc.uuid(), version: fc.constant(1), name: fc.constant('rule'), enabled: fc.boolean(), priority: fc.integer({ min: 0, max: 3 }), effect: some<'require' | 'allow'>('require', 'allow'), match: matches,
  demand: fc.constant({}), auto_approve: fc.constant([]), escalation: fc.constant(null),
});
const at = new Date('2026-01-05T12:00:00Z');

/** The same, said another way: condition by condition, with a list of why not. */
function whyNot({ match, effect }: Rule, subject: RuleSubject): string[] {
  const reasons: string[] = [];
  const lists: readonly (readonly [readonly string[] | undefined, string | undefined])[] = [[match.agent_ids, subject.agent_id], [match.board_ids, subject.board_id], [match.autonomy_levels, subject.autonomy_level]];
  const matchesOne = (patterns: string[], value: string): boolean => patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(value));
  const ranks: readonly string[] = APPROVAL_RISKS;
  if (match.kinds && !matchesOne(match.kinds, subject.kind)) reasons.push('kind');
  if (match.tools && (subject.tool === undefined || !matchesOne(match.tools, subject.tool))) reasons.push('tool');
  for (const [list, value] of lists) {
    if (list && (value === undefined || !list.includes(value))) reasons.push('list');
  }
  const worst = effect === 'require';
  if (match.min_risk && !(subject.risk ? ranks.indexOf(subject.risk) >= ranks.indexOf(match.min_risk) : worst)) reasons.push('risk');
  if (match.min_cost_usd !== undefined && (subject.cost_usd ?? (worst ? Infinity : -1)) < match.min_cost_usd) reasons.push('cost');
  if (match.max_confidence !== undefined && (subject.confidence ?? (worst ? 0 : 2)) > match.max_confidence) reasons.push('confidence');
  return reasons;
}

describe('rules', () => {
  it('fit exactly what they say', () => {
    fc.assert(fc.property(rules, subjects, (rule, subject) => fits(rule, subject) === (whyNot(rule, subject).length === 0)), { numRuns: 3_000 });
  });

  it('decide by the first that is on and fits, whatever order they were read in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(rules, { selector: ({ id }) => id, maxLength: 8 }), subjects, (list, subject) => {
        const ruling = ruleOn(list.toSorted(inOrder), subject, at);
        const fitting = list.filter((rule) => rule.enabled && fits(rule, subject));
        const first = fitting.toSorted((a, b) => a.priority - b.priority || a.id.localeCompare(b.id))[0];
        expect(ruling?.rule.id).toBe(first?.id);
        expect(ruleOn(list.toReversed().toSorted(inOrder), subject, at)).toEqual(ruling);
        if (ruling) expect(ruling.outcome).toBe(ruling.rule.effect === 'allow' ? 'allowed' : 'required');
      }),
      { numRuns: 1_000 },
    );
  });

  it('are not escaped by saying less of risk, cost and confidence', () => {
    fc.assert(
      fc.property(rules, subjects, some('risk' as const, 'cost_usd' as const, 'confidence' as const), (rule, subject, unsaid) => {
        const silent = { ...subject, [unsaid]: undefined };
        if (rule.effect === 'require' && fits(rule, subject)) expect(fits(rule, silent)).toBe(true);
        if (rule.effect === 'allow' && fits(rule, silent)) expect(fits(rule, subject)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('let through by themselves what is small enough, in their hours', () => {
    const rule: Rule = { id: '1', version: 3, name: 'night', enabled: true, priority: 1, effect: 'require', match: {}, demand: {}, escalation: null, auto_approve: [{ from: '09:00', to: '17:00', days: [1], time_zone: 'UTC', max_risk: 'medium', max_cost_usd: 5 }] };
    const outcome = (subject: Partial<RuleSubject>, when = at): string | undefined => ruleOn([rule], { kind: 'k', risk: 'low', cost_usd: 1, ...subject }, when)?.outcome;
    expect([outcome({}), outcome({ risk: 'medium', cost_usd: 5 })]).toEqual(['auto_approved', 'auto_approved']);
    for (const subject of [{ risk: 'high' as const }, { risk: undefined }, { cost_usd: 5.01 }, { cost_usd: undefined }]) expect(outcome(subject)).toBe('required');
    expect([outcome({}, new Date('2026-01-05T17:00:00Z')), outcome({}, new Date('2026-01-06T12:00:00Z'))]).toEqual(['required', 'required']);
  });

  it('ask for no less than who asks does', () => {
    const seconds = maybe(fc.integer({ min: 1, max: 9 }));
    const demands = fc.record({ min_approvals: maybe(fc.integer({ min: 1, max: 5 })), expires_seconds: seconds, grant_seconds: seconds, approvers: maybe(some({ roles: ['admin' as const] }, { users: ['u'] }, {})) });
    fc.assert(
      fc.property(demands, demands, (own, demand) => {
        const both = demandOf(own, { demand });
        for (const one of [own, demand]) {
          expect(both.min_approvals).toBeGreaterThanOrEqual(one.min_approvals ?? 1);
          expect(both.expires_seconds ?? Infinity).toBeLessThanOrEqual(one.expires_seconds ?? Infinity);
          expect(both.grant_seconds ?? Infinity).toBeLessThanOrEqual(one.grant_seconds ?? Infinity);
        }
        expect(both.approvers).toEqual(Object.keys(demand.approvers ?? {}).length > 0 ? demand.approvers : own.approvers);
      }),
    );
  });
});
