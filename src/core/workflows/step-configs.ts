import { z } from 'zod';
import { patternFault } from '../event-pattern.js';
import type { StepType } from './graph.js';

/** A year and a day: no wait, no limit of time is longer. */
export const LONGEST_SECONDS = 366 * 86_400;
export const LONGEST_CONDITION = 4_200;

const hasExpression = (text: string): boolean => /\{%[\s\S]*%\}/.test(text);
const Expression = z.string().max(20_000).refine(hasExpression);

/** What a value may be, or an expression that says it when the step begins. */
const said = <T extends z.ZodType>(type: T, what: string): z.ZodType => z.union([type, Expression], { error: `must be ${what}, or an expression between {% and %}` });

/** @param what for people */
const number = (least: number, most: number, whole = false): z.ZodType => said((whole ? z.int() : z.number()).min(least).max(most), `${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`);
const oneOf = (...names: [string, ...string[]]): z.ZodType => said(z.enum(names), `one of ${names.join(', ')}`);
const id = (what: string): z.ZodType => said(z.guid(), `the id of ${what}`);
const line = (most: number): z.ZodString => z.string().min(1).max(most).regex(/\S/, 'must not be blank');

/** Only what a word means; never how long it is. */
const Seconds = number(0, LONGEST_SECONDS);
/** Expressions by themselves, with or without the marks. */
export const Condition = z.string().min(1).max(LONGEST_CONDITION);

const isWebAddress = (url: string): boolean => hasExpression(url) || url.includes('{{secret:') || (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol));

const Task = z.strictObject({
  agent_id: id('an agent').optional(),
  agent: line(60).optional(),
  board_id: id('a board').optional(),
  required_tools: said(z.array(line(100)).max(50), 'a list of at most 50 tools').optional(),
  title: line(500).optional(),
  description: z.string().max(20_000).optional(),
  instructions: z.string().max(100_000).optional(),
  payload: z.unknown().optional(),
  priority: oneOf('critical', 'high', 'medium', 'low').optional(),
  max_retries: number(0, 100, true).optional(),
  deadline_seconds: number(1, LONGEST_SECONDS).optional(),
});

const Approval = z.strictObject({
  title: line(300).optional(),
  description: z.string().max(10_000).optional(),
  action: z.strictObject({ kind: line(100), arguments: z.unknown().optional() }).optional(),
  approvers: said(z.array(z.string().min(1).max(200)).max(50), 'a list of at most 50 users or roles').optional(),
  min_approvals: number(1, 50, true).optional(),
  risk: oneOf('low', 'medium', 'high', 'critical').optional(),
  confidence: number(0, 1).optional(),
  expires_seconds: number(1, LONGEST_SECONDS).optional(),
  on_reject: z.enum(['fail', 'continue']).optional(),
  on_expire: z.enum(['fail', 'continue']).optional(),
});

const Branches = z
  .array(z.strictObject({ name: line(100), when: Condition }))
  .min(1)
  .max(100)
  .refine((branches) => new Set(branches.map(({ name }) => name)).size === branches.length, 'must have names that differ');

const Wait = z
  .strictObject({
    seconds: Seconds.optional(),
    until: said(z.iso.datetime({ offset: true }), 'a time (2027-01-31T09:00:00Z)').optional(),
    event: z.strictObject({ name: z.string().max(200).refine((pattern) => patternFault(pattern) === undefined, 'must be the name of an event, or a pattern of names (task.*)'), match: Condition.optional(), timeout_seconds: number(1, LONGEST_SECONDS).optional() }).optional(),
  })
  .refine(({ seconds, until, event }) => [seconds, until, event].filter((one) => one !== undefined).length === 1, 'must have exactly one of seconds, until, event');

const Receivers = z.array(z.string().min(1).max(200)).max(100);

const Http = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  url: line(4_000).refine(isWebAddress, 'must be an http or https address'),
  headers: z.record(z.string().max(200), z.string().max(4_000)).refine((headers) => Object.keys(headers).length <= 50, 'must have at most 50 headers').optional(),
  body: z.unknown().optional(),
  expect: z.array(z.int().min(100).max(599)).min(1).max(50).optional(),
  timeout_seconds: z.number().min(0.1).max(600).optional(),
});

/** What each type of step takes. */
export const STEP_CONFIGS: Readonly<Record<StepType, z.ZodType>> = {
  task: Task,
  approval: Approval,
  condition: z.strictObject({ branches: Branches, default: line(100).optional() }),
  parallel: z.strictObject({ join: z.union([z.enum(['all', 'any']), z.int().min(1).max(1_000)], { error: 'must be all, any or a number' }).optional() }),
  map: z.strictObject({
    items: z.union([z.array(z.unknown()).max(10_000), Condition], { error: 'must be a list, or an expression that says one' }),
    concurrency: z.int().min(1).max(100).optional(),
    on_item_error: z.enum(['fail', 'continue']).optional(),
    max_items: z.int().min(1).max(10_000).optional(),
  }),
  wait: Wait,
  notify: z.strictObject({
    to: z.union([z.string().min(1).max(4_000), Receivers, z.strictObject({ users: Receivers.optional(), roles: Receivers.optional() })], { error: 'must be users and roles' }).optional(),
    title: line(4_000).optional(),
    body: z.string().max(20_000).optional(),
    severity: oneOf('info', 'warning', 'high', 'critical').optional(),
    link: z.string().max(2_000).optional(),
  }),
  http: Http,
  transform: z.strictObject({ output: z.unknown().optional() }),
  workflow: z.strictObject({ workflow_id: id('a workflow'), input: z.unknown().optional() }),
};
