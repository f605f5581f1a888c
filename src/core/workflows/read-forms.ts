import type { z } from 'zod';
import { slugify } from '../slug.js';
import { Findings, placeOf, within } from './findings.js';
import type { Dependency, ScopeGraph, Step } from './graph.js';
import type { Pace } from './pace.js';
import { STEP_CONFIGS } from './step-configs.js';
import { WrittenEdge, WrittenNode, WrittenStep } from './written.js';

/** Where what a step says stands in what was sent. */
export interface StepPlace {
  /** Of its members: `steps[3]`, `nodes[2].data`; empty where they are those of the workflow. */
  at: string;
  key: string;
  /** Of each edge that leads to it. */
  edges: readonly string[];
  /** Of what is in its configuration. */
  config: string;
}

/** A graph's steps as they were sent, whatever is wrong with them. */
export class Reading {
  readonly findings = new Findings();
  /** Steps that are not what they should be: they stand for themselves, and nothing that they say is looked at. */
  readonly broken = new Set<Step>();
  readonly places = new Map<Step, StepPlace>();
  count = 0;

  constructor(readonly pace: Pace) {}

  placeOf(step: Step): StepPlace {
    return this.places.get(step) ?? { at: '', key: '', edges: [], config: '' };
  }
}

export const MOST_STEPS = 10_000;
export const MOST_EDGES = 50_000;
/** Of steps that stand in steps. */
export const MOST_DEPTH = 4;

type Members = Omit<WrittenStep, 'key' | 'type' | 'step_type' | 'depends_on' | 'position'>;
type Raw = Readonly<Record<string, unknown>>;

/** The form of steps that name what they depend on. */
export async function readSteps(raw: readonly unknown[], reading: Reading, place = 'steps', depth = 0): Promise<Step[]> {
  if (!hasRoom(raw, reading, place, depth)) return [];
  const steps: Step[] = [];
  const keys = new FreeKeys(raw.map((one) => textOf(one, 'key')));
  for (const [index, one] of raw.entries()) {
    if (reading.pace.isDue()) await reading.pace.rest();
    steps.push(await readStep(one, reading, `${place}[${index}]`, depth, keys));
  }
  return steps;
}

async function readStep(raw: unknown, reading: Reading, at: string, depth: number, keys: FreeKeys): Promise<Step> {
  const written = look(WrittenStep, raw, reading, at);
  const type = written?.type ?? written?.step_type;
  if (written && (type === undefined || (written.type !== undefined && written.step_type !== undefined))) reading.findings.add(within(at, 'type'), 'bad_value', 'type must be there, once');
  if (written && written.key === undefined && written.name === undefined) reading.findings.add(within(at, 'key'), 'bad_value', 'key must be there, or a name to make it of');
  const key = written?.key ?? keys.of(written?.name) ?? textOf(raw, 'key') ?? '';
  const edges = written?.depends_on.map((edge) => (typeof edge === 'string' ? { step: edge } : plain(edge))) ?? [];
  const place = { at, key: within(at, 'key'), edges: edges.map((_, index) => within(at, `depends_on[${index}]`)), config: within(at, 'config') };
  if (!written || type === undefined) return broken(key, reading, place);
  const { key: _key, type: _type, step_type: _stepType, depends_on: _edges, position, ...members } = written;
  return stepOf({ key, type, depends_on: edges, ...(position ? { position } : {}) }, members, reading, place, depth);
}

/** The form of nodes and edges. */
export async function readNodes(raw: readonly unknown[], rawEdges: readonly unknown[], reading: Reading): Promise<Step[]> {
  if (!hasRoom(raw, reading, 'nodes', 0)) return [];
  const into = new Map<string, { edge: Dependency; place: string }[]>(raw.map((node) => [textOf(node, 'id') ?? '', []]));
  for (const [index, one] of rawEdges.entries()) readEdge(one, `edges[${index}]`, reading, into);
  const steps: Step[] = [];
  for (const [index, one] of raw.entries()) {
    if (reading.pace.isDue()) await reading.pace.rest();
    const at = `nodes[${index}]`;
    const node = look(WrittenNode, one, reading, at);
    const key = textOf(one, 'id') ?? '';
    const edges = into.get(key) ?? [];
    // Of two nodes of one id the first has the edges: the second is refused.
    into.delete(key);
    const place = { at: within(at, 'data'), key: within(at, 'id'), edges: edges.map((edge) => edge.place), config: within(at, 'data.config') };
    if (!node) steps.push(broken(key, reading, place));
    else {
      const { label, ...members } = node.data;
      const name = members.name ?? label;
      steps.push(await stepOf({ key, type: node.type, depends_on: edges.map(({ edge }) => edge), ...(node.position ? { position: node.position } : {}) }, { ...members, ...(name === undefined ? {} : { name }) }, reading, place, 0));
    }
  }
  return steps;
}

function readEdge(raw: unknown, place: string, reading: Reading, into: ReadonlyMap<string, { edge: Dependency; place: string }[]>): void {
  const edge = look(WrittenEdge, raw, reading, place);
  if (!edge) return;
  const branch = edge.branch ?? edge.label;
  const target = into.get(edge.target);
  if (!target) return reading.findings.add(place, 'unknown_step', `There is no node ${edge.target}.`);
  target.push({ edge: { step: edge.source, ...(branch === undefined ? {} : { branch }), ...(edge.on === undefined ? {} : { on: edge.on }) }, place });
}

/** The form of a prompt for an agent: one task. */
export function readPrompt(prompt: string, agent: { agent_id?: string; agent?: string }, reading: Reading): Promise<Step[]> {
  const place = { at: '', key: 'prompt', edges: [], config: '' };
  const config = { title: titleOf(prompt), instructions: prompt, ...agent };
  const members = { name: 'Prompt', join: 'all' as const, on_error: 'fail' as const, config };
  return stepOf({ key: 'prompt', type: 'task', depends_on: [] }, members, reading, place, 0).then((step) => [step]);
}

/** The first line of a prompt, for people: what is in it is not filled in twice. */
function titleOf(prompt: string): string {
  const line = prompt.replaceAll(/\{%[\s\S]*?%\}/g, '…').trim().split('\n')[0]?.trim() ?? '';
  return line === '' ? 'Prompt' : line.slice(0, 200);
}

async function stepOf(head: Pick<Step, 'key' | 'type' | 'depends_on' | 'position'>, members: Members, reading: Reading, place: StepPlace, depth: number): Promise<Step> {
  const { name, join, when, input, output, retry, timeout_seconds, on_error, compensate, steps, item_output, branches } = members;
  const { type } = head;
  const config = normalised(type, configOf(type, members, reading, place));
  look(STEP_CONFIGS[type], config, reading, place.config);
  if (compensate) look(STEP_CONFIGS[compensate.type], compensate.config, reading, within(place.at, 'compensate.config'));
  if (type !== 'map' && (steps !== undefined || item_output !== undefined)) reading.findings.add(within(place.at, steps === undefined ? 'item_output' : 'steps'), 'unknown_field', 'Only a map has steps of its own; parallel has branches.');
  if (type !== 'parallel' && branches !== undefined) reading.findings.add(within(place.at, 'branches'), 'unknown_field', 'Only parallel has branches.');
  const scopes = type === 'map' ? [await scopeOf('item', steps ?? [], item_output, reading, within(place.at, 'steps'), depth)] : type === 'parallel' ? await branchesOf(branches ?? [], reading, within(place.at, 'branches'), depth) : undefined;
  const step: Step = {
    ...head,
    name: name ?? head.key,
    join,
    on_error,
    config,
    ...(when === undefined ? {} : { when: bare(when) }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(retry === undefined ? {} : { retry: plain(retry) }),
    ...(timeout_seconds === undefined ? {} : { timeout_seconds }),
    ...(compensate === undefined ? {} : { compensate: plain(compensate) }),
    ...(scopes === undefined ? {} : { scopes }),
  };
  reading.places.set(step, place);
  return step;
}

/** An agent beside the configuration belongs into it. */
function configOf(type: Step['type'], { config, agent_id, agent }: Members, reading: Reading, { at }: StepPlace): Raw {
  const beside = plain({ agent_id, agent });
  for (const name of Object.keys(beside)) {
    if (type !== 'task') reading.findings.add(within(at, name), 'unknown_field', `${name} is of tasks alone.`);
    else if (config[name] !== undefined) reading.findings.add(within(at, name), 'bad_value', `${name} stands in the configuration, too.`);
  }
  return type === 'task' ? { ...config, ...beside } : config;
}

async function scopeOf(name: string, raw: readonly unknown[], output: unknown, reading: Reading, place: string, depth: number): Promise<ScopeGraph> {
  if (raw.length === 0) reading.findings.add(place, 'bad_value', 'must hold steps');
  return { name, steps: await readSteps(raw, reading, place, depth + 1), ...(output === undefined ? {} : { output }) };
}

async function branchesOf(branches: NonNullable<Members['branches']>, reading: Reading, place: string, depth: number): Promise<ScopeGraph[]> {
  const scopes: ScopeGraph[] = [];
  for (const [index, { key, steps, output }] of branches.entries()) {
    const at = `${place}[${index}]`;
    if (/^\d+$/.test(key)) reading.findings.add(within(at, 'key'), 'bad_value', 'must not be a number');
    if (scopes.some(({ name }) => name === key)) reading.findings.add(within(at, 'key'), 'duplicate_key', `There is another branch ${key}.`);
    scopes.push(await scopeOf(key, steps, output, reading, within(at, 'steps'), depth));
  }
  return scopes;
}

/** Conditions without their marks, lists of items with them: each has one text, however it was written. */
function normalised(type: Step['type'], config: Raw): Raw {
  const { items, branches, event } = config;
  if (type === 'map' && typeof items === 'string' && !/^\s*\{%[\s\S]*%\}\s*$/.test(items)) return { ...config, items: `{% ${items} %}` };
  if (type === 'condition' && Array.isArray(branches)) return { ...config, branches: branches.map((branch: unknown) => bareIn(branch, 'when')) };
  if (type === 'wait' && event !== undefined) return { ...config, event: bareIn(event, 'match') };
  return config;
}

function bareIn(value: unknown, name: string): unknown {
  const text = textOf(value, name);
  return text === undefined ? value : { ...(value as Raw), [name]: bare(text) };
}

/** A condition without the marks around it. */
function bare(condition: string): string {
  const inner = /^\s*\{%([\s\S]*)%\}\s*$/.exec(condition)?.[1];
  return inner === undefined || inner.includes('{%') ? condition : inner.trim();
}

function broken(key: string, reading: Reading, place: StepPlace): Step {
  const step: Step = { key, name: key, type: 'transform', depends_on: [], join: 'all', on_error: 'fail', config: {} };
  reading.broken.add(step);
  reading.places.set(step, place);
  return step;
}

function hasRoom(raw: readonly unknown[], reading: Reading, place: string, depth: number): boolean {
  reading.count += raw.length;
  if (depth > MOST_DEPTH) reading.findings.add(place, 'limit', `Steps stand in each other ${MOST_DEPTH} deep at most.`);
  else if (reading.count > MOST_STEPS) reading.findings.add(place, 'limit', `A workflow has ${MOST_STEPS} steps at most.`);
  else return true;
  return false;
}

/** What a value should be, or undefined and what is wrong. */
function look<T extends z.ZodType>(schema: T, value: unknown, reading: Reading, place: string): z.output<T> | undefined {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  for (const issue of error.issues) {
    const at = placeOf(issue.path);
    const field = at === '' ? place : within(place, at);
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) reading.findings.add(within(field, key.slice(0, 100)), 'unknown_field', `${key.slice(0, 100)} is not known here.`);
    else reading.findings.add(field, 'bad_value', issue.message);
  }
  return undefined;
}

/** Makes keys of names: `lint`, `lint-2`, `lint-3`. */
class FreeKeys {
  private readonly taken: Set<string | undefined>;
  private readonly numbers = new Map<string, number>();

  constructor(taken: readonly (string | undefined)[]) {
    this.taken = new Set(taken);
  }

  of(name: string | undefined): string | undefined {
    if (name === undefined) return undefined;
    const base = slugify(name, 'step');
    for (;;) {
      const number = (this.numbers.get(base) ?? 0) + 1;
      this.numbers.set(base, number);
      const key = number === 1 ? base : `${base}-${number}`;
      if (this.taken.has(key)) continue;
      this.taken.add(key);
      return key;
    }
  }
}

function textOf(value: unknown, name: string): string | undefined {
  const member = typeof value === 'object' && value !== null ? (value as Raw)[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}

/** Without what is not there. */
const plain = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
