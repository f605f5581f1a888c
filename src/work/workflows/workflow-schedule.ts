import { Problem } from '../../core/problem.js';
import type { CronSchedule } from '../../platform/jobs/cron-schedule.js';
import { requireSchedule } from '../../platform/jobs/cron-ticks.js';
import { jsonSchemas } from '../../platform/json-schema/json-schemas.js';
import type { Workflow } from './workflow.entity.js';
import type { WorkflowVersion } from './workflow-version.entity.js';

/** Whose ticks those of workflows are. */
export const WORKFLOW_TICKS = 'workflow';

/** When a workflow ticks; null for one that does not: by hand alone, not active, or a template. */
export function scheduleOf({ status, is_template, trigger_type, trigger_config }: Workflow): CronSchedule | null {
  return status === 'active' && !is_template && trigger_type === 'cron' ? written(trigger_config) : null;
}

/**
 * Also of a workflow that does not tick yet: a draft, a template.
 * @throws Problem `unprocessable` for a schedule that is none, or a workflow that needs an input, which a tick does not bring
 */
export function checkSchedule({ workflow, version }: { workflow: Workflow; version: WorkflowVersion }): void {
  const schedule = workflow.trigger_type === 'cron' ? written(workflow.trigger_config) : null;
  if (!schedule) return;
  requireSchedule(schedule);
  if (workflow.is_template || version.input_schema === null) return;
  const [lacking] = jsonSchemas.violations(version.input_schema, {});
  if (!lacking) return;
  const message = `A scheduled run has no input, and this says: ${lacking.place === '' ? 'input' : lacking.place} ${lacking.message}`;
  throw new Problem('unprocessable', { detail: message, errors: [{ field: 'input_schema', code: 'schedule', message }] });
}

const written = ({ expression, timezone = 'UTC', missed = 'skip' }: Workflow['trigger_config']): CronSchedule | null => (expression === undefined ? null : { expression, timezone, missed });
