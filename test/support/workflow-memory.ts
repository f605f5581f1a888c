import { type Graph, GraphIndex, scopeOf } from '../../src/core/workflows/graph.js';
import { type Bindings, type Effect, type Evaluator, failure, Pass, type RunRows } from '../../src/core/workflows/pass.js';
import { type Fact, isEnding, type LostFact, type RunRow, type StepError, type StepRow } from '../../src/core/workflows/rows.js';
import { UNPACED } from '../../src/core/workflows/pace.js';
import { advance, cancel, fail, resume, retry, takeIn } from '../../src/core/workflows/transition.js';

/** Rows of a run in memory. They are copied on every way in and out, as a database would. */
export class MemoryRows implements RunRows {
  readonly stored = new Map<string, StepRow>();
  private readonly loaded = new Map<string, StepRow>();
  private readonly touched = new Set<StepRow>();

  get(path: string): Promise<StepRow> {
    return Promise.resolve(this.load(path));
  }

  expect(): Promise<void> {
    return Promise.resolve();
  }

  add(rows: readonly StepRow[]): void {
    for (const row of rows) {
      if (this.stored.has(row.path) || this.loaded.has(row.path)) throw new Error(`${row.path} is there already.`);
      this.loaded.set(row.path, row);
      this.touched.add(row);
    }
  }

  touch(row: StepRow): void {
    if (this.loaded.get(row.path) !== row) throw new Error(`${row.path} was touched in a copy.`);
    this.touched.add(row);
  }

  openUnder(scope: string): Promise<StepRow[]> {
    return Promise.resolve(this.all().filter(({ path, status, undoes }) => !isEnding(status) && undoes === null && (scope === '' || path.startsWith(`${scope}/`))));
  }

  in(scope: string): Promise<StepRow[]> {
    return Promise.resolve(this.all().filter(({ path, undoes }) => undoes === null && path !== scope && scopeOf(path) === scope));
  }

  ready(): Promise<StepRow[]> {
    return Promise.resolve(this.all().filter(({ status }) => status === 'ready'));
  }

  undone(): Promise<StepRow[]> {
    return Promise.resolve(this.all().filter(({ undone }) => undone));
  }

  lastUndoable(): Promise<StepRow | undefined> {
    return Promise.resolve(this.all().filter(({ undoable }) => undoable).sort((a, b) => (b.ended_seq ?? 0) - (a.ended_seq ?? 0))[0]);
  }

  /** What a commit keeps: rows that were touched, as they are now. */
  commit(): void {
    for (const row of this.touched) this.stored.set(row.path, structuredClone(row));
    this.touched.clear();
    this.loaded.clear();
  }

  all(): StepRow[] {
    return [...new Set([...this.stored.keys(), ...this.loaded.keys()])].map((path) => this.load(path));
  }

  private load(path: string): StepRow {
    const known = this.loaded.get(path);
    if (known) return known;
    const stored = this.stored.get(path);
    if (!stored) throw new Error(`There is no row ${path}.`);
    const copy = structuredClone(stored);
    this.loaded.set(path, copy);
    return copy;
  }
}

/** Expressions of the tests: `$name` is the output of a step, `item`, `index`, `result`, `input`, `true`, `false`; `!` fails, what is `too slow` takes too long, and for what is `busy` there is no turn. */
export const evaluator: Evaluator = {
  referencesOf: (value) => [...(JSON.stringify(value) ?? '').matchAll(/\$(\w+)/g)].map(([, name = '']) => name),
  referencesIn: (expression) => evaluator.referencesOf(expression),
  fill(value, bindings) {
    return Promise.resolve(filled(value, bindings));
  },
  evaluate(expression, bindings) {
    return Promise.resolve(said(expression, bindings));
  },
};

function filled(value: unknown, bindings: Bindings): unknown {
  if (typeof value === 'string' && value.startsWith('{%')) return said(value.slice(2, -2).trim(), bindings);
  if (Array.isArray(value)) return value.map((item) => filled(item, bindings));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member, bindings)]));
}

function said(expression: string, bindings: Bindings): unknown {
  if (expression === '!') throw failure('expression_failed', 'It says nothing.');
  if (expression.startsWith('$')) return bindings.steps[expression.slice(1)]?.output;
  if (expression === 'true' || expression === 'false') return expression === 'true';
  const value = (bindings as unknown as Record<string, unknown>)[expression];
  if (value === 'busy') throw failure('expression_busy', 'There is no turn.', true);
  if (value === 'too slow') throw failure('expression_timeout', 'It takes too long.', true);
  return value;
}

/** A run that is moved on by hand. */
export class MemoryRun {
  readonly rows = new MemoryRows();
  readonly effects: Effect[] = [];
  /** Tries that have ended, each of which is told of once. */
  readonly attempts = new Set<string>();
  /** What the last transition has left to be heard again. */
  unheard: readonly Fact[] = [];
  readonly run: RunRow & { workflow_id: string };
  now = new Date('2026-01-01T00:00:00Z');
  private ids = 0;
  private readonly index: GraphIndex;

  constructor(
    graph: Graph,
    input: unknown = {},
    private readonly random: () => number = () => 0.5,
    /** Steps that one transition starts. */
    private readonly steps = Infinity,
  ) {
    this.index = new GraphIndex(graph);
    this.run = { id: 'run', workflow_id: 'workflow', status: 'pending', input, output: null, error: null, ends_as: null, open: 0, seq: 0, steps: 0, content_size: 0, timeout_at: null, started_at: null, ended_at: null };
  }

  async advance(facts: readonly Fact[] = []): Promise<Effect[]> {
    return this.goOn((pass, due) => advance(pass, facts, due));
  }

  cancel(reason = 'Enough.'): Promise<Effect[]> {
    return this.goOn((pass) => cancel(pass, reason));
  }

  fail(error: StepError, lost: readonly LostFact[] = []): Promise<Effect[]> {
    return this.goOn((pass) => fail(pass, error, lost));
  }

  takeIn(...facts: Fact[]): Promise<Effect[]> {
    return this.goOn((pass) => takeIn(pass, facts));
  }

  resume(): Promise<Effect[]> {
    return this.goOn(resume);
  }

  retry(): Promise<Effect[]> {
    return this.goOn(retry);
  }

  step(path: string): StepRow {
    const row = this.rows.stored.get(path);
    if (!row) throw new Error(`There is no step ${path}.`);
    return row;
  }

  statuses(): Record<string, string> {
    return Object.fromEntries([...this.rows.stored.values()].map(({ path, status }) => [path, status]));
  }

  /** A transition, and those that take up what it has left. */
  private async goOn(first: (pass: Pass, due: readonly StepRow[]) => Promise<void>): Promise<Effect[]> {
    const effects = await this.pass((pass) => first(pass, this.due()));
    while (this.due().some(({ status }) => status === 'ready')) effects.push(...(await this.pass((pass) => advance(pass, [], this.due()))));
    return effects;
  }

  private due(): StepRow[] {
    return this.rows.all().filter(({ due_at, timeout_at }) => [due_at, timeout_at].some((time) => time !== null && time <= this.now));
  }

  private async pass(work: (pass: Pass) => Promise<void>): Promise<Effect[]> {
    const pass = new Pass(this.run, this.index, this.rows, evaluator, this.now, () => `id-${(this.ids += 1)}`, this.random, { steps: this.steps, isLate: () => false, pace: UNPACED });
    await work(pass);
    this.unheard = pass.unheard;
    this.rows.commit();
    for (const { path, attempt } of pass.attempts) {
      if (this.attempts.has(`${path} ${attempt}`)) throw new Error(`Try ${attempt} of ${path} ends twice.`);
      this.attempts.add(`${path} ${attempt}`);
    }
    this.effects.push(...pass.effects);
    return pass.effects;
  }
}

export const factOf = (effect: { path: string; attempt?: number }, outcome: 'completed' | 'failed' = 'completed', output: unknown = null, code = 'failed'): Fact => ({
  id: `fact ${effect.path} ${effect.attempt ?? ''}`,
  path: effect.path,
  attempt: effect.attempt ?? null,
  outcome,
  output,
  error: outcome === 'failed' ? { code, message: `${effect.path} failed`, passing: true } : null,
});
