import type { Dependency, Graph, Step } from '../../src/core/workflows/graph.js';

const ROOT = '';
const pathOf = (scope: string, key: string): string => (scope === ROOT ? key : `${scope}/${key}`);

export interface Prediction {
  /** Whether the run fails. */
  failed: boolean;
  /** How each step ends when nothing is given up on the way. */
  endings: Map<string, string>;
  /** Steps that end so in whatever order things happen: those that stand in no scope that fails. */
  certain: string[];
}

/**
 * What a graph comes to, read plainly: scope by scope, each step after those that it depends on, without time, order or
 * transitions. Shares no code with what it is held against. For graphs whose steps are written after those that they depend on.
 */
export function predict(graph: Graph, fails: (path: string) => boolean): Prediction {
  const endings = new Map<string, string>();
  const certain: string[] = [];
  const scope = (at: string, steps: readonly Step[]): boolean => {
    const branches = new Map<string, string | undefined>();
    const paths: string[] = [];
    let failed = false;
    for (const step of steps) {
      const path = pathOf(at, step.key);
      paths.push(path);
      const ending = runs(step, (edge) => ({ ending: endings.get(pathOf(at, edge.step)) ?? '', branch: branches.get(edge.step), continues: steps.some(({ key, on_error }) => key === edge.step && on_error === 'continue') })) ? outcome(step, path) : 'skipped';
      endings.set(path, ending);
      if (ending === 'completed' && step.type === 'condition') branches.set(step.key, (step.config['branches'] as { name: string; when: string }[]).find(({ when }) => when === 'true')?.name);
      const provided = step.on_error === 'continue' || steps.some(({ depends_on }) => depends_on.some((edge) => edge.step === step.key && (edge.on === 'failed' || edge.on === 'ended')));
      if (ending === 'failed' && !provided) failed = true;
    }
    if (!failed) certain.push(...paths);
    else for (const path of certain.filter((known) => at === ROOT || known.startsWith(`${at}/`))) certain.splice(certain.indexOf(path), 1);
    return failed;
  };
  const outcome = (step: Step, path: string): string => {
    if (step.when === 'false') return 'skipped';
    if (step.type === 'task') return fails(path) ? 'failed' : 'completed';
    if (step.type !== 'parallel' && step.type !== 'map') return 'completed';
    const [inner] = step.scopes ?? [];
    const names = step.type === 'map' ? (step.config['items'] as unknown[]).map((_, index) => String(index)) : (step.scopes ?? []).map(({ name }) => name);
    const mark = certain.length;
    const lost = names.filter((name) => scope(pathOf(path, name), (step.type === 'map' ? inner : step.scopes?.find((one) => one.name === name))?.steps ?? []));
    if (lost.length === 0 || (step.type === 'map' && step.config['on_item_error'] === 'continue')) return 'completed';
    // The one that fails takes the others along, as far as they have come.
    certain.splice(mark);
    return 'failed';
  };
  const failed = scope(ROOT, graph.steps);
  return { failed, endings, certain };
}

/** What is known of the step that an edge leaves. */
interface Source {
  ending: string;
  branch: string | undefined;
  continues: boolean;
}

function runs({ depends_on, join }: Step, sourceOf: (edge: Dependency) => Source): boolean {
  if (depends_on.length === 0) return true;
  const present = depends_on.filter((edge) => sourceOf(edge).ending !== 'skipped').length;
  const needed = typeof join === 'number' ? join : join === 'any' ? 1 : Math.max(1, present);
  return depends_on.filter((edge) => isTaken(edge, sourceOf(edge))).length >= needed;
}

function isTaken({ on, branch: wanted }: Dependency, { ending, branch, continues }: Source): boolean {
  if (ending === 'completed') return on !== 'failed' && (wanted === undefined || wanted === branch);
  return ending === 'failed' && (on === 'failed' || on === 'ended' || continues);
}
