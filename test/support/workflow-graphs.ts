import type { Dependency, Graph, Join, ScopeGraph, Step } from '../../src/core/workflows/graph.js';

type Random = () => number;

const upTo = (random: Random, most: number): number => Math.floor(random() * (most + 1));
const pick = <T>(random: Random, items: readonly T[]): T => items[upTo(random, items.length - 1)] as T;

/** A graph in which any of the documented kinds of steps stand in any relation, and which of its tasks fail. */
export function randomGraph(random: Random): { graph: Graph; fails: (path: string) => boolean } {
  const salt = random();
  const share = pick(random, [0, 0.1, 0.3]);
  return { graph: { steps: randomSteps(random, 0) }, fails: (path) => fraction(path, salt) < share };
}

/** A number in [0, 1) that a path has by itself. */
function fraction(path: string, salt: number): number {
  let hash = Math.floor(salt * 2 ** 31);
  for (const character of path) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

function randomSteps(random: Random, depth: number): Step[] {
  const steps: Step[] = [];
  for (let index = 0; index <= upTo(random, depth === 0 ? 9 : 3); index++) steps.push(randomStep(random, depth, `s${index}`, steps));
  return steps;
}

function randomStep(random: Random, depth: number, key: string, before: readonly Step[]): Step {
  const depends_on = before.filter(() => random() < 0.35).map((step) => randomEdge(random, step));
  const join: Join = depends_on.length > 1 ? pick(random, ['all', 'all', 'any', 2]) : 'all';
  const type = pick(random, depth < 2 ? (['task', 'task', 'transform', 'condition', 'parallel', 'map'] as const) : (['task', 'transform', 'condition'] as const));
  return {
    key, name: key, type, depends_on, join,
    on_error: pick(random, ['fail', 'continue', 'continue'] as const),
    ...(random() < 0.1 ? { when: 'false' } : {}),
    ...(type !== 'parallel' && type !== 'map' && random() < 0.4 ? { compensate: { type: 'task' as const, config: {} } } : {}),
    ...inside(random, depth, type),
  };
}

function randomEdge(random: Random, { key, type }: Step): Dependency {
  if (type === 'condition') return { step: key, branch: pick(random, ['x', 'y']) };
  return { step: key, on: pick(random, ['completed', 'completed', 'completed', 'ended', 'failed'] as const) };
}

function inside(random: Random, depth: number, type: Step['type']): Pick<Step, 'config' | 'scopes'> {
  const scope = (name: string): ScopeGraph => ({ name, steps: randomSteps(random, depth + 1) });
  if (type === 'condition') return { config: { branches: [{ name: 'x', when: String(random() < 0.5) }, { name: 'y', when: String(random() < 0.8) }] } };
  if (type === 'parallel') return { config: { join: 'all' }, scopes: [scope('left'), scope('right')] };
  if (type === 'map') return { config: { items: Array.from({ length: upTo(random, 4) }, (_, index) => index), concurrency: 1 + upTo(random, 2), ...(random() < 0.5 ? { on_item_error: 'continue' } : {}) }, scopes: [scope('item')] };
  return { config: {} };
}
