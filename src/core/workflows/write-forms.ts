import type { Dependency, Graph, ScopeGraph, Step } from './graph.js';

/** A step as it is written; `readSteps` makes the same of it again. */
export type StepJson = Readonly<Record<string, unknown>>;

/** An edge between nodes. */
export interface EdgeJson {
  id: string;
  source: string;
  target: string;
  /** The branch of a condition. */
  label?: string;
  on?: string;
}

/** A graph in the form of steps that name what they depend on. */
export const writtenSteps = (steps: Graph['steps']): StepJson[] => steps.map((step) => ({ key: step.key, type: step.type, ...membersOf(step), depends_on: step.depends_on.map(writtenEdge), ...(step.position ? { position: step.position } : {}) }));

/** The same graph in the form of nodes and edges. */
export function writtenNodes(steps: Graph['steps']): { nodes: StepJson[]; edges: EdgeJson[] } {
  const nodes = steps.map((step) => {
    const { name, ...members } = membersOf(step);
    return { id: step.key, type: step.type, ...(step.position ? { position: step.position } : {}), data: { label: name, ...members } };
  });
  const edges = steps.flatMap((step) => step.depends_on.map(({ step: source, branch, on }, index) => ({ id: `${source}-${step.key}-${index}`, source, target: step.key, ...(branch === undefined ? {} : { label: branch }), ...(on === undefined ? {} : { on }) })));
  return { nodes, edges };
}

const writtenEdge = ({ step, branch, on }: Dependency): string | object => (branch === undefined && on === undefined ? step : { step, ...(branch === undefined ? {} : { branch }), ...(on === undefined ? {} : { on }) });

/** What a step says beside its key, its type and its edges, in both forms alike. */
function membersOf({ name, join, when, input, output, retry, timeout_seconds, on_error, compensate, config, type, scopes }: Step): Record<string, unknown> {
  const said = { name, join, when, input, output, retry, timeout_seconds, on_error, compensate, config, ...scopesOf(type, scopes ?? []) };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function scopesOf(type: Step['type'], scopes: readonly ScopeGraph[]): object {
  if (type === 'map') return { steps: writtenSteps(scopes[0]?.steps ?? []), item_output: scopes[0]?.output };
  if (type !== 'parallel') return {};
  return { branches: scopes.map(({ name, steps, output }) => ({ key: name, steps: writtenSteps(steps), ...(output === undefined ? {} : { output }) })) };
}
