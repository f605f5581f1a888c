import type { Graph, ScopeGraph, Step } from '../../src/core/workflows/graph.js';
import { randomGraph } from '../support/workflow-graphs.ts';
import { predict } from '../support/workflow-reference.ts';
import { ofAllItems } from './checker/check-undoing.ts';

/** A workflow for the API, and what a run of it comes to. */
export interface PlannedWorkflow {
  steps: object[];
  failed: boolean;
  /** Steps that end so, in whatever order things happen. */
  certain: [path: string, ending: string][];
  /** Steps that something undoes; those of all items of a `map` alike. */
  compensated: string[];
}

/**
 * A graph made at random, whose tasks say in their payload whether they are to fail. All items of a `map` fare alike, for a definition
 * cannot tell them apart.
 */
export function planWorkflow(random: () => number, means: Means): PlannedWorkflow {
  const { graph, fails } = randomGraph(random);
  const failsAt = (path: string): boolean => fails(ofAllItems(path));
  const { failed, endings, certain } = predict(graph, failsAt);
  return { steps: written(graph.steps, '', { failsAt, random, ...means }), failed, certain: certain.map((path) => [path, endings.get(path) ?? '']), compensated: compensatedIn(graph.steps, '') };
}

/** By what steps do their work. */
export interface Means {
  tool: string;
  urlOf: (fails: boolean) => string;
  /** Does what is asked when it is asked again. */
  flakyUrl: string;
  childOf: (fails: boolean) => string;
}

/** No step takes so long. */
const NEVER_SECONDS = 86_400;
/** More tries than anything that passes needs. */
const RETRY = { attempts: 4, backoff: 'fixed', delay_seconds: 0.2, jitter: false };

interface Wanted extends Means {
  failsAt: (path: string) => boolean;
  random: () => number;
}

function written(steps: Graph['steps'], at: string, wanted: Wanted): object[] {
  return steps.map((step) => {
    const path = `${at}${step.key}`;
    const { scopes = [], compensate, config, ...rest } = step;
    return {
      ...rest,
      ...contentOf(step.type, config, path, wanted),
      ...(scopes.length === 0 && wanted.random() < 0.3 ? { timeout_seconds: NEVER_SECONDS } : {}),
      ...(compensate ? { compensate: workOf(`undo ${path}`, false, wanted) } : {}),
      ...inside(step, scopes, path, wanted),
    };
  });
}

/** What changes nothing is done at once, or waits for a second or for a person who approves. */
function contentOf(type: Step['type'], config: Step['config'], path: string, wanted: Wanted): object {
  if (type === 'task') return { ...workOf(path, wanted.failsAt(path), wanted), retry: RETRY };
  if (type !== 'transform') return { config };
  const chance = wanted.random();
  if (chance < 0.1) return { type: 'wait', config: { seconds: 1 } };
  if (chance < 0.25) return { type: 'approval', config: { title: path, approvers: ['admin'], expires_seconds: NEVER_SECONDS } };
  return { config };
}

function compensatedIn(steps: Graph['steps'], at: string): string[] {
  return steps.flatMap(({ key, type, compensate, scopes = [] }) => {
    const path = `${at}${key}`;
    return [...(compensate ? [path] : []), ...scopes.flatMap((scope) => compensatedIn(scope.steps, `${path}/${type === 'map' ? 'item' : scope.name}/`))];
  });
}

function inside(step: Step, scopes: readonly ScopeGraph[], path: string, wanted: Wanted): object {
  if (step.type === 'map') return { steps: written(scopes[0]?.steps ?? [], `${path}/item/`, wanted) };
  if (step.type === 'parallel') return { branches: scopes.map(({ name, steps }) => ({ key: name, steps: written(steps, `${path}/${name}/`, wanted) })) };
  return {};
}

/** What fares as a task does is done by one, by a call, or by a run of another workflow. */
function workOf(title: string, fails: boolean, { random, tool, urlOf, flakyUrl, childOf }: Wanted): { type: string; config: object } {
  const chance = random();
  if (chance < 0.3) return { type: 'http', config: { method: 'POST', url: !fails && chance < 0.12 ? flakyUrl : urlOf(fails), body: {} } };
  if (chance < 0.45) return { type: 'workflow', config: { workflow_id: childOf(fails) } };
  return { type: 'task', config: taskOf(title, fails, tool) };
}

/** Leases that end because a process was killed are none of the failures that were planned: there are tries enough for them. */
const taskOf = (title: string, fails: boolean, tool: string): object => ({ title, required_tools: [tool], payload: { fails }, max_retries: 50 });
