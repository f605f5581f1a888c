import { type GraphIndex, keyOf, ROOT, scopeOf } from '../../../core/workflows/graph.js';
import type { StepStatus } from '../../../core/workflows/rows.js';

/** What whoever looks at many items of a step wants to see first. */
const TELLING: readonly StepStatus[] = ['failed', 'retrying', 'waiting', 'ready', 'pending', 'cancelled', 'completed', 'skipped'];

/**
 * The state of each step of a graph in a run; of a step that stands in a `map`, the one that says most of all its items.
 * @returns by the path in the graph, where the scope of a `map` has its name instead of a number
 */
export function statesOf(graph: GraphIndex, rows: readonly { path: string; status: StepStatus }[]): ReadonlyMap<string, StepStatus> {
  const scopes = new Map<string, string>([[ROOT, '']]);
  const states = new Map<string, StepStatus>();
  for (const { path, status } of rows) {
    const at = `${prefixOf(graph, scopeOf(path), scopes)}${keyOf(path)}`;
    const known = states.get(at);
    if (known === undefined || TELLING.indexOf(status) < TELLING.indexOf(known)) states.set(at, status);
  }
  return states;
}

/** What the paths of a scope begin with in the graph. */
function prefixOf(graph: GraphIndex, scope: string, known: Map<string, string>): string {
  const found = known.get(scope);
  if (found !== undefined) return found;
  const container = scopeOf(scope);
  const prefix = `${prefixOf(graph, scopeOf(container), known)}${keyOf(container)}/${graph.scope(scope).graph.name}/`;
  known.set(scope, prefix);
  return prefix;
}
