import { keyOf, pathOf, ROOT, scopeOf } from './graph.js';
import type { Bindings, Pass } from './pass.js';
import type { StepRow } from './rows.js';

/** What is looked up for a step: expressions in values, and expressions that stand by themselves. */
export interface Looked {
  values?: readonly unknown[];
  expressions?: readonly (string | undefined)[];
}

/**
 * What the expressions of a step may see: the run's input, the steps that they name, and the item of the `map` around them.
 * A name is looked for in the step's own scope, then in those around it.
 */
export async function bindingsOf(pass: Pass, path: string, { values = [], expressions = [] }: Looked, more: Partial<Bindings> = {}): Promise<Bindings> {
  const steps: Record<string, Bindings['steps'][string]> = {};
  const named = [...values.flatMap((value) => pass.evaluator.referencesOf(value)), ...expressions.flatMap((expression) => (expression === undefined ? [] : pass.evaluator.referencesIn(expression)))];
  for (const name of new Set(named)) {
    const at = whereIs(pass, scopeOf(path), name);
    if (at === undefined) continue;
    const { output, status, error } = await pass.rows.get(at);
    steps[name] = { output, status, error };
  }
  const { id, workflow_id, started_at, input } = pass.run;
  return { context: input, input, parameters: pass.graph.graph.parameters ?? {}, steps, run: { id, workflow_id, started_at: started_at?.toISOString() ?? null }, ...(await itemOf(pass, scopeOf(path))), ...more };
}

function whereIs(pass: Pass, scope: string, name: string): string | undefined {
  for (let around = scope; ; around = scopeAround(around)) {
    if (pass.graph.scope(around).steps.has(name)) return pathOf(around, name);
    if (around === ROOT) return undefined;
  }
}

/** A scope stands in a step, which stands in the scope around it. */
const scopeAround = (scope: string): string => scopeOf(scopeOf(scope));

/** Of the innermost `map`. */
async function itemOf(pass: Pass, scope: string): Promise<Pick<Bindings, 'item' | 'index'>> {
  for (let around = scope; around !== ROOT; around = scopeAround(around)) {
    const container = scopeOf(around);
    if (pass.graph.step(container).type !== 'map') continue;
    const index = Number(keyOf(around));
    return { item: itemsOf(await pass.rows.get(container))[index], index };
  }
  return {};
}

/** The items of a `map` that has started: its input. */
export const itemsOf = (row: StepRow): readonly unknown[] => (Array.isArray(row.input) ? row.input : []);
