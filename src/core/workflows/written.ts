import { z } from 'zod';
import { EDGE_CONDITIONS, STEP_TYPES } from './graph.js';
import { Condition, LONGEST_SECONDS } from './step-configs.js';

/** Part of every key: the paths of runs are made of them, and of slashes. */
const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
/** Names that every object has. */
const RESERVED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

export const Key = z.string().regex(KEY, 'must have 1 to 100 letters, digits, - and _, and begin with a letter or a digit').refine((key) => !RESERVED.has(key), 'is a name that no step may have');
const Name = z.string().min(1).max(200).regex(/\S/, 'must not be blank');
const On = z.enum(EDGE_CONDITIONS);
const Json = z.unknown().optional();
/** A step may wait for all others. */
const MOST_EDGES_OF_ONE = 10_000;

const Retry = z.strictObject({
  attempts: z.int().min(1).max(20),
  backoff: z.enum(['fixed', 'exponential']).default('exponential'),
  delay_seconds: z.number().min(0).max(86_400).default(1),
  max_delay_seconds: z.number().min(0).max(86_400).default(300),
  jitter: z.boolean().default(true),
  errors: z.array(z.string().min(1).max(100)).max(50).optional(),
});

const Config = z.record(z.string(), z.unknown());

/** What a step says beside its key, its type and what it depends on. */
const MEMBERS = {
  name: Name.optional(),
  join: z.union([z.enum(['all', 'any']), z.int().min(1).max(MOST_EDGES_OF_ONE)], { error: 'must be all, any or a number' }).default('all'),
  when: Condition.optional(),
  input: Json,
  output: Json,
  retry: Retry.optional(),
  timeout_seconds: z.number().min(0.1).max(LONGEST_SECONDS).optional(),
  on_error: z.union([z.enum(['fail', 'continue']), z.strictObject({ goto: z.string().max(100) })], { error: 'must be fail, continue or {"goto": KEY}' }).default('fail'),
  compensate: z.strictObject({ type: z.enum(['task', 'http', 'notify', 'workflow', 'transform']), config: Config.default({}), input: Json }).optional(),
  config: Config.default({}),
  /** Of a task: they belong to its configuration. */
  agent_id: z.string().max(4_200).optional(),
  agent: z.string().max(100).optional(),
  /** Of a map. They are looked at one by one. */
  steps: z.array(z.unknown()).optional(),
  item_output: Json,
  /** Of parallel. */
  branches: z.array(z.strictObject({ key: Key, steps: z.array(z.unknown()), output: Json })).max(1_000).optional(),
};

const Position = z.strictObject({ x: z.number().min(-1e9).max(1e9), y: z.number().min(-1e9).max(1e9) });
const Type = z.enum(STEP_TYPES);

/** A step in the form of steps that name what they depend on. */
export const WrittenStep = z.strictObject({
  ...MEMBERS,
  /** Made from the name where it is left out. */
  key: Key.optional(),
  type: Type.optional(),
  /** The same by another name. */
  step_type: Type.optional(),
  depends_on: z
    .array(z.union([z.string().max(100), z.strictObject({ step: z.string().max(100), branch: Name.optional(), on: On.optional() })], { error: 'must be the key of a step, or {"step": KEY, "branch"?, "on"?}' }))
    .max(MOST_EDGES_OF_ONE)
    .default([]),
  position: Position.optional(),
});
export type WrittenStep = z.output<typeof WrittenStep>;

/** A step in the form of nodes and edges. */
export const WrittenNode = z.strictObject({
  id: Key,
  type: Type,
  position: Position.optional(),
  data: z.strictObject({ ...MEMBERS, label: Name.optional() }).prefault({}),
});

export const WrittenEdge = z.strictObject({
  id: z.string().max(400).optional(),
  source: z.string().max(100),
  target: z.string().max(100),
  /** The branch of a condition; `branch` is the same. */
  label: Name.optional(),
  branch: Name.optional(),
  on: On.optional(),
});
export type WrittenEdge = z.output<typeof WrittenEdge>;
