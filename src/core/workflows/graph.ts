/**
 * A workflow as it is stored and run: one graph, whichever of the documented forms it was written in. Everything here is
 * plain JSON; what its texts mean is said where they are read (expressions: platform/expressions).
 */

export const STEP_TYPES = ['task', 'approval', 'condition', 'parallel', 'map', 'wait', 'notify', 'http', 'transform', 'workflow'] as const;
export type StepType = (typeof STEP_TYPES)[number];

/**
 * How its step must have ended for an edge to be taken. A step that has a `failed` or `ended` edge is one whose failure is
 * provided for: its scope does not fail with it.
 */
export const EDGE_CONDITIONS = ['completed', 'failed', 'ended'] as const;
export type EdgeCondition = (typeof EDGE_CONDITIONS)[number];

/** An edge, written at the step that it leads to. */
export interface Dependency {
  step: string;
  /** Of a condition: the branch that must have been chosen. */
  branch?: string;
  /** `completed` when left out. */
  on?: EdgeCondition;
}

/**
 * How many of a step's edges must be taken. `all`: each whose step was not skipped, and at least one; `any`: the first that
 * is; a number: that many. A step that can no longer get there is skipped.
 */
export type Join = 'all' | 'any' | number;

/** Tries of a step that failed. Delays are in seconds. */
export interface RetryPolicy {
  /** The first one included. */
  attempts: number;
  backoff: 'fixed' | 'exponential';
  delay_seconds: number;
  max_delay_seconds: number;
  /** Whether delays are spread at random between half and the whole of themselves. */
  jitter: boolean;
  /** Codes of errors that are tried again, `*` at an end standing for anything; left out: every error that may pass. */
  errors?: string[];
}

/**
 * What happens when a step has failed for good: its scope fails, or goes on as if it had completed, or goes to another step,
 * which is another way to write a `failed` edge to a step that nothing else leads to.
 */
export type OnError = 'fail' | 'continue' | { goto: string };

/** What undoes a step that was completed, when its run fails or is cancelled. */
export interface Compensation {
  type: Exclude<StepType, 'condition' | 'parallel' | 'map' | 'wait' | 'approval'>;
  config: Readonly<Record<string, unknown>>;
  input?: unknown;
}

/** Steps that run together and end together: a branch of `parallel`, or what `map` does for each item. */
export interface ScopeGraph {
  name: string;
  steps: readonly Step[];
  /** What it results in; left out: the output of its last step, or of its last steps by their keys. */
  output?: unknown;
}

export interface Step {
  /** Unique in its scope: letters, digits, `-` and `_`. */
  key: string;
  name: string;
  type: StepType;
  depends_on: readonly Dependency[];
  join: Join;
  /** An expression: the step is skipped where it is false. */
  when?: string;
  input?: unknown;
  output?: unknown;
  retry?: RetryPolicy;
  timeout_seconds?: number;
  on_error: OnError;
  /** Not of `parallel` and `map`: the steps in them have their own. */
  compensate?: Compensation;
  /** As its type asks. */
  config: Readonly<Record<string, unknown>>;
  /** Of `parallel` and `map`. */
  scopes?: readonly ScopeGraph[];
  /** Where an editor draws it. */
  position?: { x: number; y: number };
}

export interface Graph {
  steps: readonly Step[];
  output?: unknown;
  timeout_seconds?: number;
  /** What `$parameters` says: they belong to the version, as the steps do. */
  parameters?: Readonly<Record<string, unknown>>;
}

/** The scope of the run itself. Steps are named by their way from it: `build`, `each/3/lint`, `both/left/x`. */
export const ROOT = '';

export const pathOf = (scope: string, key: string): string => (scope === ROOT ? key : `${scope}/${key}`);

/** The scope that a step or a scope stands in. */
export function scopeOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? ROOT : path.slice(0, end);
}

export const keyOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What runs in a scope, with its edges turned round. Made once for each scope of a graph, however often that scope is entered. */
export interface ScopeIndex {
  graph: ScopeGraph;
  steps: ReadonlyMap<string, Step>;
  /** Edges by the step they leave. */
  successors: ReadonlyMap<string, readonly { step: Step; edge: Dependency }[]>;
  /** Steps that no edge leads to. */
  first: readonly Step[];
  /** Steps that nothing depends on. */
  last: readonly Step[];
}

/** Finds the scopes of a graph by the paths that runs give them. */
export class GraphIndex {
  private readonly scopes = new Map<string, ScopeIndex>();

  constructor(readonly graph: Graph) {
    this.add('', { name: '', steps: graph.steps, output: graph.output });
  }

  /** @param scope path of a scope in a run; numbers in it are items of a `map` */
  scope(scope: string): ScopeIndex {
    const found = this.scopes.get(this.nameOf(scope));
    if (!found) throw new Error(`There is no scope ${scope} in the graph.`);
    return found;
  }

  step(path: string): Step {
    const found = this.scope(scopeOf(path)).steps.get(keyOf(path));
    if (!found) throw new Error(`There is no step ${path} in the graph.`);
    return found;
  }

  /** Paths of the steps that edges lead to from here; none from a scope. */
  successorsOf(path: string): string[] {
    const scope = scopeOf(path);
    return (this.scopes.get(this.nameOf(scope))?.successors.get(keyOf(path)) ?? []).map(({ step }) => pathOf(scope, step.key));
  }

  /** All items of a `map` share a scope of the graph: each second part of a path names a step, the one after it a branch or an item. */
  private nameOf(scope: string): string {
    if (scope === ROOT) return '';
    const parts = scope.split('/');
    return parts.map((part, index) => (index % 2 === 1 && /^\d+$/.test(part) ? ITEM : part)).join('/');
  }

  private add(name: string, graph: ScopeGraph): void {
    this.scopes.set(name, indexOf(graph));
    for (const step of graph.steps) {
      for (const scope of step.scopes ?? []) this.add(`${name === '' ? '' : `${name}/`}${step.key}/${step.type === 'map' ? ITEM : scope.name}`, scope);
    }
  }
}

/** Stands for every item of a `map`. Names of branches are no numbers, so that nothing else is taken for one. */
const ITEM = '*';

function indexOf(graph: ScopeGraph): ScopeIndex {
  const steps = new Map(withGotos(graph.steps).map((step) => [step.key, step]));
  const successors = new Map<string, { step: Step; edge: Dependency }[]>();
  for (const step of steps.values()) {
    for (const edge of step.depends_on) {
      const known = successors.get(edge.step);
      if (known) known.push({ step, edge });
      else successors.set(edge.step, [{ step, edge }]);
    }
  }
  const all = [...steps.values()];
  return { graph, steps, successors, first: all.filter(({ depends_on }) => depends_on.length === 0), last: all.filter(({ key }) => !successors.has(key)) };
}

/** Each `goto` as the edge that it stands for. */
export function withGotos(steps: readonly Step[]): Step[] {
  const gotos = new Map<string, Dependency[]>();
  for (const { key, on_error } of steps) if (typeof on_error === 'object') gotos.set(on_error.goto, [...(gotos.get(on_error.goto) ?? []), { step: key, on: 'failed' }]);
  return steps.map((step) => {
    const edges = gotos.get(step.key);
    return edges ? { ...step, depends_on: [...step.depends_on, ...edges], join: 'any' } : step;
  });
}
