import type { Notice } from '../../platform/notifications/notifier.port.js';
import type { Trigger } from './trigger.entity.js';

const HOUR = 13;

/** What administrators are told when something of a trigger failed for good: of each, once an hour. */
export function failureNotice({ id, name }: Pick<Trigger, 'id' | 'name'>, reason: string, now: Date, firingId?: string): Notice {
  return {
    type: 'trigger_failed',
    severity: 'warning',
    title: `Trigger ${name} failed`,
    body: reason,
    link: `/triggers/${id}`,
    metadata: { trigger_id: id, ...(firingId === undefined ? {} : { firing_id: firingId }) },
    to: { roles: ['admin'] },
    key: `trigger:${id}:failed:${now.toISOString().slice(0, HOUR)}`,
  };
}
