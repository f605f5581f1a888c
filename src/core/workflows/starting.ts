import { secretNames } from '../secret-placeholders.js';
import { bindingsOf } from './bindings.js';
import { checkRoom, concurrencyOf, keep, take } from './bounds.js';
import type { Step } from './graph.js';
import { type Bindings, type Effect, failure, type Pass } from './pass.js';
import type { StepRow, WaitingFor } from './rows.js';

/** What the start of a step comes to. */
export type Started =
  | { state: 'completed'; output: unknown; branch?: string }
  | { state: 'skipped'; reason: string }
  | { state: 'waiting'; waiting: WaitingFor; due?: Date; timeout?: Date }
  /** Scopes that are to be opened, of as many as there will be. */
  | { state: 'scopes'; names: readonly string[]; total: number };

/** Longest that a step waits by itself. */
const LONGEST_WAIT_SECONDS = 366 * 86_400;
const MOST_ITEMS = 10_000;

/**
 * Begins a try of a step: looks at its guard, fills its input and its configuration, and says what it comes to.
 * @throws StepFailure
 */
export async function begin(pass: Pass, row: StepRow, step: Step): Promise<Started> {
  const bindings = await bindingsOf(pass, row.undoes ?? row.path, { values: [step.input, step.config], expressions: [step.when, ...branchesOf(step).map(({ when }) => when)] });
  if (step.when !== undefined && !isTrue(await pass.evaluator.evaluate(step.when, bindings))) return { state: 'skipped', reason: 'Its condition was false.' };
  const input = step.input === undefined ? null : await pass.evaluator.fill(step.input, bindings);
  row.input = row.undoes === null ? take(pass, input, row.input) : keep(input);
  return STARTERS[step.type](pass, row, step, step.input === undefined ? bindings : { ...bindings, context: input });
}

type Starter = (pass: Pass, row: StepRow, step: Step, bindings: Bindings) => Promise<Started>;

const STARTERS: Readonly<Record<Step['type'], Starter>> = {
  task: outside('task', 'task'),
  approval: outside('approval', 'approval'),
  http: outside('call', 'call'),
  workflow: outside('run', 'run'),
  notify: async (pass, row, step, bindings) => {
    const effect = await effectOf(pass, 'notify', row, step, bindings);
    return { state: 'completed', output: { id: effect.id } };
  },
  transform: async (pass, _row, { config }, bindings) => ({ state: 'completed', output: config['output'] === undefined ? bindings.context : await pass.evaluator.fill(config['output'], bindings) }),
  condition: choose,
  wait,
  parallel: (_pass, _row, step) => {
    const names = (step.scopes ?? []).map(({ name }) => name);
    return Promise.resolve(names.length === 0 ? { state: 'completed', output: null } : { state: 'scopes', names, total: names.length });
  },
  map: fanOut,
};

/** A step that something outside of the run ends. */
function outside(kind: 'task' | 'approval' | 'call' | 'run', waitingFor: WaitingFor['kind']): Starter {
  return async (pass, row, step, bindings) => {
    const { id } = await effectOf(pass, kind, row, step, bindings);
    return { state: 'waiting', waiting: { kind: waitingFor, id } };
  };
}

async function effectOf(pass: Pass, kind: Exclude<Effect['kind'], 'release'>, row: StepRow, step: Step, bindings: Bindings): Promise<{ id: string }> {
  const values = { ...((await pass.evaluator.fill(step.config, bindings)) as Record<string, unknown>), ...(step.input === undefined ? {} : { input: bindings.context }) };
  // Put together of what was written and what was said, a placeholder is nobody's.
  const written = new Set(secretNames([step.config, step.input]));
  if (secretNames(values).some((name) => !written.has(name))) throw failure('bad_input', 'The names of secrets are written out in a workflow.');
  const effect = { kind, path: row.path, attempt: row.attempt, undone_tries: row.undone_tries, id: pass.newId(), values };
  pass.effects.push(effect);
  return effect;
}

async function choose(pass: Pass, _row: StepRow, { config }: Step, bindings: Bindings): Promise<Started> {
  for (const { name, when } of branchesOf({ config })) {
    if (isTrue(await pass.evaluator.evaluate(when, bindings))) return { state: 'completed', output: { branch: name }, branch: name };
  }
  const otherwise = config['default'];
  return typeof otherwise === 'string' ? { state: 'completed', output: { branch: otherwise }, branch: otherwise } : { state: 'completed', output: { branch: null } };
}

/** What a condition may choose, in the order of its asking. */
const branchesOf = ({ config }: Pick<Step, 'config'>): readonly { name: string; when: string }[] => (Array.isArray(config['branches']) ? (config['branches'] as { name: string; when: string }[]) : []);

async function wait(pass: Pass, row: StepRow, { config }: Step, bindings: Bindings): Promise<Started> {
  const { event, seconds, until } = config;
  if (event !== undefined) {
    row.lost = 0;
    const { name, timeout_seconds: limit } = event as { name: string; timeout_seconds?: unknown };
    return { state: 'waiting', waiting: { kind: 'event', id: name }, ...(limit === undefined ? {} : { timeout: pass.later(secondsOf(await pass.evaluator.fill(limit, bindings), 'event.timeout_seconds')) }) };
  }
  const due = until === undefined ? pass.later(secondsOf(await pass.evaluator.fill(seconds, bindings))) : momentOf(await pass.evaluator.fill(until, bindings));
  if (due.getTime() > pass.later(LONGEST_WAIT_SECONDS).getTime()) throw failure('bad_input', 'A step waits for a year at most.');
  return due <= pass.now ? { state: 'completed', output: null } : { state: 'waiting', waiting: { kind: 'time', id: null }, due };
}

function secondsOf(value: unknown, name = 'seconds'): number {
  if (typeof value !== 'number' || !(value >= 0)) throw failure('bad_input', `${name} is not a number of seconds.`);
  if (value > LONGEST_WAIT_SECONDS) throw failure('bad_input', 'A step waits for a year at most.');
  return value;
}

function momentOf(value: unknown): Date {
  const moment = typeof value === 'string' ? new Date(value) : new Date(NaN);
  if (Number.isNaN(moment.getTime())) throw failure('bad_input', 'until is not a time.');
  return moment;
}

async function fanOut(pass: Pass, row: StepRow, step: Step, bindings: Bindings): Promise<Started> {
  const { config } = step;
  const items = await pass.evaluator.fill(config['items'], bindings);
  if (!Array.isArray(items)) throw failure('bad_input', 'items is not a list.');
  const most = Math.min(numberOf(config['max_items'], MOST_ITEMS), MOST_ITEMS);
  if (items.length > most) throw failure('bad_input', `There are ${items.length} items, and at most ${most} are worked on.`);
  checkRoom(pass, step, items.length);
  row.input = take(pass, items, row.input);
  if (items.length === 0) return { state: 'completed', output: [] };
  row.next = Math.min(items.length, concurrencyOf(step));
  return { state: 'scopes', names: Array.from({ length: row.next }, (_, index) => String(index)), total: items.length };
}

const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** As in JSONata's `$boolean`, but an empty list or object is not true or false: whoever means that says so. */
const isTrue = (value: unknown): boolean => value === true;
