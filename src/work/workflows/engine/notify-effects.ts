import { Injectable } from '@nestjs/common';
import { type Notice, Notifier, SEVERITIES, type Severity } from '../../../platform/notifications/notifier.port.js';
import type { EffectMaker, Wanted } from './effects.js';
import { namedPeople } from './named-people.js';
import type { NewFact } from './runs.repository.js';

/** What steps tell people in the application: part of their transition, so that it is told once. */
@Injectable()
export class NotifyEffects implements EffectMaker {
  constructor(private readonly notifier: Notifier) {}

  async make(wanted: readonly Wanted[]): Promise<NewFact[]> {
    for (const effect of wanted) await this.notifier.notify(noticeOf(effect));
    return [];
  }
}

function noticeOf({ id, runId, workflowId, path, values: { title, body, severity, to, link } }: Wanted): Notice {
  return {
    type: 'workflow',
    severity: SEVERITIES.includes(severity as Severity) ? (severity as Severity) : 'info',
    title: textOf(title) || path,
    ...(body === undefined || body === null ? {} : { body: textOf(body) }),
    link: typeof link === 'string' ? link : `/workflow-runs/${runId}`,
    metadata: { run_id: runId, workflow_id: workflowId, path },
    to: receiversOf(to),
    key: `workflow-step:${id}`,
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

/** Administrators where nobody is named. */
function receiversOf(to: unknown): Notice['to'] {
  const { users, roles } = namedPeople(to);
  return users.length + roles.length === 0 ? { roles: ['admin'] } : { users, roles };
}
