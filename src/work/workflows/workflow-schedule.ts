import type { CronSchedule } from '../../platform/jobs/cron-schedule.js';
import type { Workflow } from './workflow.entity.js';

/** Whose ticks those of workflows are. */
export const WORKFLOW_TICKS = 'workflow';

/** When a workflow ticks; null for one that does not: by hand alone, not active, or a template. */
export function scheduleOf({ status, is_template, trigger_type, trigger_config }: Workflow): CronSchedule | null {
  const { expression, timezone = 'UTC', missed = 'skip' } = trigger_config;
  return status === 'active' && !is_template && trigger_type === 'cron' && expression !== undefined ? { expression, timezone, missed } : null;
}
