import { z } from 'zod';
import { patternFault } from '../../core/event-pattern.js';
import { type FieldError, Problem } from '../../core/problem.js';
import { MISSED_TICKS, scheduleFault } from '../../platform/jobs/cron-schedule.js';
import { SEVERITIES } from '../../platform/notifications/notifier.port.js';

export const TRIGGER_TYPES = ['event', 'cron', 'webhook', 'threshold'] as const;
export type TriggerType = (typeof TRIGGER_TYPES)[number];
export const ACTION_TYPES = ['create_task', 'send_notification', 'execute_workflow', 'call_webhook'] as const;
export type ActionType = (typeof ACTION_TYPES)[number];
export const METRICS = ['queue_depth', 'failed_tasks', 'error_rate', 'agents_offline', 'spend_today'] as const;
export type Metric = (typeof METRICS)[number];
/** Of them, those over attempts count these. */
export const COUNTED_EVENTS: ReadonlySet<string> = new Set(['task.failed', 'task.completed']);

const expression = z.string().min(1).max(4096);
const templated = z.string().max(20_000);
const seconds = (least: number, most: number): z.ZodNumber => z.number().int().min(least).max(most);

/** What comes from outside must not say where a secret in an address goes. */
function holdsNoExpression(text: string): boolean {
  return !/\{%|%7b%25/i.test(text);
}

const CONFIGS = {
  event: z.strictObject({ event: z.string().min(1).max(100), filter: expression.optional() }),
  cron: z.strictObject({ expression: z.string().min(1).max(120), timezone: z.string().max(64).default('UTC'), missed: z.enum(MISSED_TICKS).default('skip') }),
  webhook: z.strictObject({ webhook_id: z.uuid().optional(), filter: expression.optional() }),
  threshold: z.strictObject({
    metric: z.enum(METRICS),
    operator: z.enum(['>', '>=', '<', '<=']),
    value: z.number().min(-1e12).max(1e12),
    /** The value it has to come back to before another crossing fires. */
    reset: z.number().min(-1e12).max(1e12).optional(),
    for_seconds: seconds(0, 86_400).default(0),
    window_seconds: seconds(60, 3600).default(300),
  }),
} as const;

const ACTIONS = {
  create_task: z.strictObject({
    title: templated.min(1),
    description: templated.optional(),
    instructions: z.string().max(100_000).optional(),
    payload: z.unknown().optional(),
    priority: templated.optional(),
    agent_id: templated.optional(),
    board_id: templated.optional(),
    required_tools: z.union([templated, z.array(z.string().max(200)).max(100)]).optional(),
    max_retries: z.union([templated, z.number()]).optional(),
    deadline: templated.optional(),
    status: templated.optional(),
  }),
  send_notification: z.strictObject({
    title: templated.min(1),
    body: templated.optional(),
    link: templated.optional(),
    severity: z.enum(SEVERITIES).default('info'),
    to: z
      .strictObject({ users: z.array(z.uuid()).max(100).optional(), roles: z.array(z.enum(['admin', 'user'])).max(2).optional() })
      .refine(({ users = [], roles = [] }) => users.length + roles.length > 0, 'must name users or roles'),
  }),
  execute_workflow: z.strictObject({ workflow_id: z.uuid(), input: z.unknown().optional() }),
  call_webhook: z
    .strictObject({ webhook_id: z.uuid().optional(), url: z.url({ protocol: /^https?$/ }).max(2000).refine(holdsNoExpression, 'may hold no expression').optional(), type: z.string().max(100).optional(), data: z.unknown().optional() })
    .refine(({ webhook_id, url }) => (webhook_id === undefined) !== (url === undefined), 'must name one of webhook_id and url'),
} as const;

type Of<T extends Record<string, z.ZodType>, K extends keyof T = keyof T> = z.output<T[K]>;
export type TriggerConfig = Of<typeof CONFIGS>;
export type EventConfig = Of<typeof CONFIGS, 'event'>;
export type CronConfig = Of<typeof CONFIGS, 'cron'>;
export type WebhookConfig = Of<typeof CONFIGS, 'webhook'>;
export type ThresholdConfig = Of<typeof CONFIGS, 'threshold'>;

/** What is done: its texts may hold expressions between `{%` and `%}`. */
export interface TriggerAction {
  type: ActionType;
  config: Record<string, unknown>;
}

/** What a trigger is about. @throws Problem `invalid_request`, `unprocessable`, with the place */
export function readConfig(type: TriggerType, given: unknown): TriggerConfig {
  const config = parsed(CONFIGS[type], given, 'config');
  if (type === 'cron') {
    const fault = scheduleFault(config as CronConfig);
    if (fault) throw unprocessable(`config.${fault.field}`, 'schedule', fault.message);
  }
  if (type === 'event') {
    const { event } = config as EventConfig;
    const fault = event.startsWith('notification') ? 'Notifications are for their readers alone.' : patternFault(event);
    if (fault !== undefined) throw unprocessable('config.event', 'unknown_event', fault);
  }
  return config;
}

/** What a trigger does. @throws Problem `invalid_request` with the place */
export function readAction({ type, config }: { type: ActionType; config: unknown }): TriggerAction {
  return { type, config: parsed(ACTIONS[type], config, 'action.config') };
}

/** A request that is well-formed and cannot be done, with the place. */
export function unprocessable(field: string, code: string, message: string): Problem {
  return new Problem('unprocessable', { detail: `${field}: ${message}`, errors: [{ field, code, message }] });
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, place: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 50).flatMap((issue) => errorsOf(issue, place));
  throw new Problem('invalid_request', { detail: `${errors[0]?.field ?? place}: ${errors[0]?.message ?? 'is malformed'}`, errors });
}

function errorsOf(issue: z.core.$ZodIssue, place: string): FieldError[] {
  const at = [place, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.slice(0, 50).map((key) => ({ field: `${at}.${key.slice(0, 100)}`, code: 'unknown_field', message: 'is not a field here' }));
  return [{ field: at, code: issue.code, message: issue.message }];
}
