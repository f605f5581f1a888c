import type { Dependency, ScopeGraph, Step } from './graph.js';
import { pathOf, ROOT, withGotos } from './graph.js';

/** Colours of the states: fill, stroke; dark enough on both to be told apart in print. */
export const STATE_COLOURS: Readonly<Record<string, { fill: string; stroke: string }>> = {
  pending: { fill: '#f3f4f6', stroke: '#9ca3af' },
  ready: { fill: '#e0e7ff', stroke: '#6366f1' },
  waiting: { fill: '#dbeafe', stroke: '#2563eb' },
  retrying: { fill: '#fef3c7', stroke: '#d97706' },
  completed: { fill: '#dcfce7', stroke: '#16a34a' },
  failed: { fill: '#fee2e2', stroke: '#dc2626' },
  skipped: { fill: '#ffffff', stroke: '#d1d5db' },
  cancelled: { fill: '#e5e7eb', stroke: '#6b7280' },
};

/** What an edge says of itself. */
export function edgeLabel({ branch, on }: Dependency): string {
  return [branch, on === undefined || on === 'completed' ? undefined : on].filter((part) => part !== undefined).join(', ');
}

/**
 * The graph as a Mermaid flowchart, scopes as subgraphs; with the statuses of a run, each step in its state's colour. Names are
 * only ever text in it: whatever stands in them draws nothing.
 * @param statusOf of a step of the graph; for the steps of a `map`, the state that says most of its items
 */
export function toMermaid(steps: readonly Step[], statusOf: (path: string) => string | undefined = () => undefined): string {
  const ids = new Map<string, string>();
  const lines = ['flowchart TD', ...scopeLines({ name: '', steps }, ROOT, 1, ids)];
  const classes = new Map<string, string[]>();
  for (const [path, id] of ids) {
    const status = statusOf(path);
    if (status !== undefined && Object.hasOwn(STATE_COLOURS, status)) classes.set(status, [...(classes.get(status) ?? []), id]);
  }
  for (const [status, of] of classes) {
    const { fill, stroke } = STATE_COLOURS[status] ?? { fill: '#ffffff', stroke: '#000000' };
    lines.push(`  classDef ${status} fill:${fill},stroke:${stroke},color:#111827`, `  class ${of.join(',')} ${status}`);
  }
  return `${lines.join('\n')}\n`;
}

function scopeLines(scope: ScopeGraph, at: string, depth: number, ids: Map<string, string>): string[] {
  const indent = '  '.repeat(depth);
  const steps = withGotos(scope.steps);
  const lines = steps.flatMap((step) => stepLines(step, pathOf(at, step.key), depth, ids));
  for (const step of steps) {
    for (const edge of step.depends_on) {
      const label = edgeLabel(edge);
      lines.push(`${indent}${ids.get(pathOf(at, edge.step)) ?? ''} -->${label === '' ? '' : `|"${text(label)}"|`} ${ids.get(pathOf(at, step.key)) ?? ''}`);
    }
  }
  return lines;
}

function stepLines(step: Step, path: string, depth: number, ids: Map<string, string>): string[] {
  const indent = '  '.repeat(depth);
  const id = `n${ids.size}`;
  ids.set(path, id);
  if (!step.scopes || step.scopes.length === 0) {
    const [open, close] = SHAPES[step.type] ?? ['["', '"]'];
    return [`${indent}${id}${open}${text(step.name)}${close}`];
  }
  const inner = step.scopes.flatMap((scope) => {
    const name = step.type === 'map' ? 'for each' : scope.name;
    return [`${indent}  subgraph ${id}_${step.scopes?.indexOf(scope) ?? 0}["${text(name)}"]`, ...scopeLines(scope, pathOf(path, scope.name), depth + 2, ids), `${indent}  end`];
  });
  return [`${indent}subgraph ${id}["${text(step.name)}"]`, ...inner, `${indent}end`];
}

const SHAPES: Readonly<Partial<Record<Step['type'], [string, string]>>> = {
  condition: ['{"', '"}'],
  approval: ['[/"', '"/]'],
  wait: ['(["', '"])'],
  notify: ['>"', '"]'],
  http: ['[["', '"]]'],
  workflow: ['[["', '"]]'],
};

/** Mermaid takes entities in quoted texts; all that could end the text or begin markup is one. */
const text = (name: string): string => name.replaceAll(/[^\p{L}\p{N} .,_:()/+-]/gu, (character) => `#${character.codePointAt(0) ?? 32};`);
