import { placeOf, within } from './findings.js';
import type { Dependency, Graph, ScopeGraph, Step } from './graph.js';
import { isTaken } from './joins.js';
import { MOST_EDGES, type Reading, type StepPlace } from './read-forms.js';
import { type Question, ScopeEdges } from './scope-edges.js';

/** What validation asks of expressions. */
export interface ExpressionReader {
  /** The expressions in a text. */
  inText(text: string): readonly string[];
  /** The steps that an expression names, or what is wrong with it. */
  read(text: string): { steps: readonly string[] } | { message: string; position: number };
}

/** A scope on the way in, and the step of it that the next one stands in. */
interface Around {
  scope: CheckedScope;
  step: string;
  /** Whether the step itself is one that has ended: in what undoes it. */
  itself?: boolean;
}

interface CheckedScope {
  edges: ScopeEdges;
  questions: Question[];
}

/** Finds all that is wrong with how the steps of a graph fit together: what is wrong with each by itself, reading has found. */
export async function validateGraph(graph: Graph, reading: Reading, expressions: ExpressionReader): Promise<void> {
  const validation = new Validation(reading, expressions);
  await validation.scope({ name: '', steps: graph.steps, output: graph.output }, 'output', []);
}

class Validation {
  private edgeCount = 0;

  constructor(
    private readonly reading: Reading,
    private readonly expressions: ExpressionReader,
  ) {}

  /** @param output where its output stands */
  async scope(graph: ScopeGraph, output: string, around: readonly Around[]): Promise<void> {
    const { pace, findings } = this.reading;
    const scope: CheckedScope = { edges: new ScopeEdges(graph.steps), questions: [] };
    const byKey = new Map(graph.steps.map((step) => [step.key, step]));
    const seen = new Set<string>();
    for (const step of graph.steps) {
      const place = this.reading.placeOf(step);
      if (seen.has(step.key)) findings.add(place.key, 'duplicate_key', `There is another step ${step.key} in this scope.`);
      seen.add(step.key);
    }
    this.cycles(scope.edges);
    for (const step of graph.steps) {
      if (pace.isDue()) await pace.rest();
      const place = this.reading.placeOf(step);
      this.edges(step, place, byKey);
      if (!this.reading.broken.has(step)) await this.step(step, place, [...around, { scope, step: step.key }], byKey);
    }
    // What a scope results in is said when all its steps have ended.
    this.value(graph.output, output, around, (name) => scope.edges.has(name));
    await scope.edges.answer(scope.questions, pace);
  }

  private cycles(edges: ScopeEdges): void {
    edges.cycles((step, edge, way) => {
      const place = this.reading.placeOf(step);
      // Behind the edges that were written come those of gotos, which stand at the step that they leave.
      this.reading.findings.add(place.edges[edge] ?? place.key, 'cycle', `These steps wait for each other: ${way.join(' → ')}.`);
    });
  }

  private edges(step: Step, place: StepPlace, byKey: ReadonlyMap<string, Step>): void {
    const { findings } = this.reading;
    this.edgeCount += step.depends_on.length;
    if (this.edgeCount > MOST_EDGES && this.edgeCount - step.depends_on.length <= MOST_EDGES) findings.add(place.key, 'limit', `A workflow has ${MOST_EDGES} edges at most.`);
    const bySource = new Map<Step, Dependency[]>();
    for (const [index, edge] of step.depends_on.entries()) {
      const from = byKey.get(edge.step);
      const at = place.edges[index] ?? place.key;
      if (!from) findings.add(at, 'unknown_step', `There is no step ${edge.step} in this scope.`);
      else if (edge.branch !== undefined && !this.reading.broken.has(from) && !branchesOf(from).includes(edge.branch)) findings.add(at, 'unreachable', `${edge.step} has no branch ${edge.branch}.`);
      if (from) bySource.set(from, [...(bySource.get(from) ?? []), edge]);
    }
    this.join(step, place, bySource);
  }

  /** A step that waits for more edges than can ever be taken never runs. */
  private join({ join, depends_on }: Step, place: StepPlace, bySource: ReadonlyMap<Step, Dependency[]>): void {
    if (depends_on.length === 0 && (join === 'all' || join === 'any')) return;
    const most = [...bySource].map(([from, edges]) => ({ from, edges, most: mostTaken(from, edges) }));
    const never = join === 'all' ? most.find(({ edges, most: taken }) => taken < edges.length) : undefined;
    if (never) this.reading.findings.add(within(place.at, 'join'), 'unreachable', `Of the ${never.edges.length} edges from ${never.from.key} only ${never.most} can be taken in one run: join all waits for each.`);
    const possible = most.reduce((sum, { most: taken }) => sum + taken, 0);
    if (typeof join === 'number' && join > possible) this.reading.findings.add(within(place.at, 'join'), 'unreachable', `It waits for ${join} edges, and ${possible} can be taken.`);
  }

  private async step(step: Step, place: StepPlace, here: readonly Around[], byKey: ReadonlyMap<string, Step>): Promise<void> {
    this.goto(step, place, byKey);
    if (step.when !== undefined) this.expression(step.when, within(place.at, 'when'), here);
    this.value(step.input, within(place.at, 'input'), here);
    this.value(step.output, within(place.at, 'output'), here);
    this.value(step.config, place.config, here);
    this.conditions(step, place, here);
    if (step.compensate) {
      const undoing = [...here.slice(0, -1), { ...(here.at(-1) as Around), itself: true }];
      this.value({ config: step.compensate.config, input: step.compensate.input }, within(place.at, 'compensate'), undoing);
    }
    await this.scopes(step, place, here);
  }

  private goto({ on_error }: Step, place: StepPlace, byKey: ReadonlyMap<string, Step>): void {
    if (typeof on_error !== 'object') return;
    const target = byKey.get(on_error.goto);
    const at = within(place.at, 'on_error.goto');
    if (!target) this.reading.findings.add(at, 'unknown_step', `There is no step ${on_error.goto} in this scope.`);
    else if (target.depends_on.length > 0) this.reading.findings.add(at, 'bad_value', `${on_error.goto} depends on other steps: nothing else leads to where a failure goes. Depend on this step with on: failed instead.`);
  }

  /** Expressions that stand by themselves, without marks. */
  private conditions({ type, config }: Step, place: StepPlace, here: readonly Around[]): void {
    const { branches, event } = config as { branches?: unknown; event?: { match?: unknown } };
    if (type === 'condition' && Array.isArray(branches)) {
      for (const [index, branch] of branches.entries()) {
        const when = (branch as { when?: unknown } | null)?.when;
        if (typeof when === 'string') this.expression(when, within(place.config, `branches[${index}].when`), here);
      }
    }
    if (type === 'wait' && typeof event?.match === 'string') this.expression(event.match, within(place.config, 'event.match'), here);
  }

  private async scopes({ type, config, scopes = [], retry, compensate }: Step, place: StepPlace, here: readonly Around[]): Promise<void> {
    const { findings } = this.reading;
    if (type !== 'parallel' && type !== 'map') return;
    if (retry) findings.add(within(place.at, 'retry'), 'bad_value', 'The steps in it have their own retry.');
    if (compensate) findings.add(within(place.at, 'compensate'), 'bad_value', 'The steps in it have their own compensate.');
    const join = config['join'];
    if (type === 'parallel' && typeof join === 'number' && join > scopes.length) findings.add(within(place.config, 'join'), 'unreachable', `It waits for ${join} branches and has ${scopes.length}.`);
    for (const [index, scope] of scopes.entries()) await this.scope(scope, within(place.at, type === 'map' ? 'item_output' : `branches[${index}].output`), here);
  }

  /** The expressions in the texts of a value. */
  private value(value: unknown, place: string, around: readonly Around[], isEnded: (name: string) => boolean = () => false): void {
    const todo: { value: unknown; path: readonly PropertyKey[] }[] = [{ value, path: [] }];
    for (let next = todo.pop(); next; next = todo.pop()) {
      const { value: member, path } = next;
      if (typeof member === 'string') {
        if (!member.includes('{%')) continue;
        const at = path.length === 0 ? place : within(place, placeOf(path));
        for (const text of this.expressions.inText(member)) this.expression(text, at, around, isEnded);
      } else if (Array.isArray(member)) for (const [index, item] of member.entries()) todo.push({ value: item, path: [...path, index] });
      else if (typeof member === 'object' && member !== null) for (const [name, item] of Object.entries(member)) todo.push({ value: item, path: [...path, name] });
    }
  }

  private expression(text: string, place: string, around: readonly Around[], isEnded: (name: string) => boolean = () => false): void {
    const read = this.expressions.read(text);
    if ('message' in read) return this.reading.findings.add(place, 'bad_expression', `${read.message} (at character ${read.position})`);
    for (const name of read.steps) if (!isEnded(name)) this.ask(name, place, around);
  }

  /** A name means the step of the innermost scope that has one of that name. */
  private ask(name: string, place: string, around: readonly Around[]): void {
    const at = around.findLast(({ scope }) => scope.edges.has(name));
    const refuse = (): void => this.reading.findings.add(place, 'bad_expression', `$steps.${name} is not a step that has ended before this is read.`);
    if (!at) return refuse();
    if (at.itself && at.step === name) return;
    at.scope.questions.push({ before: name, step: at.step, refuse });
  }
}

function branchesOf({ type, config }: Step): string[] {
  if (type !== 'condition') return [];
  const branches: unknown[] = Array.isArray(config['branches']) ? config['branches'] : [];
  const names = branches.map((branch) => (branch as { name?: unknown } | null)?.name);
  return [...names, config['default']].filter((name) => typeof name === 'string');
}

/** How many edges from one step to another can be taken in one run. */
function mostTaken(from: Step, edges: readonly Dependency[]): number {
  if (edges.length === 1) return 1;
  const branches = [...new Set(edges.map(({ branch }) => branch))];
  const completed = branches.map((branch) => edges.filter((edge) => isTaken(edge, from, 'completed', branch)).length);
  return Math.max(...completed, edges.filter((edge) => isTaken(edge, from, 'failed')).length);
}
