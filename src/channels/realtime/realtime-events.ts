import type { Actor } from '../../core/actor.js';
import { isAllowed, type Permission } from '../../core/permissions.js';

/** What it takes to see the facts of a family (`task.*`). A family that is not here is seen by nobody. */
export const FAMILIES = {
  task: 'task:read',
  agent: 'agent:read',
  worker: 'agent:read',
  board: 'board:read',
  approval: 'approval:read',
  dead_letter: 'dead-letter:read',
  user: 'user:read',
  api_key: 'api-key:read',
  tenant: 'tenant:read',
  message: 'agent:read',
  notification: 'event:read',
  plan_limit: 'tenant:read',
  system: 'event:read',
} as const satisfies Record<string, Permission>;

const PATTERN = /^(?:\*|[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*(?:\.\*)?)$/;

/** Whether a text is `*`, the name of a fact (`task.completed`) or of a family (`task.*`). */
export function isEventPattern(pattern: string): boolean {
  return PATTERN.test(pattern) && (pattern === '*' || permissionFor(pattern) !== undefined);
}

export function matchesPattern(pattern: string, name: string): boolean {
  return pattern === '*' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1)));
}

/** The permission behind a fact, or behind a pattern other than `*`. */
export function permissionFor(name: string): Permission | undefined {
  const family = name.split('.')[0] ?? '';
  return Object.hasOwn(FAMILIES, family) ? FAMILIES[family as keyof typeof FAMILIES] : undefined;
}

/** Whether an actor may see a fact now. What is addressed to one person (`notification` with a `user_id`) is for that person alone. */
export function maySee(actor: Actor, event: { name: string; tenant_id: string; data: Record<string, unknown> }): boolean {
  if (event.tenant_id !== actor.tenantId) return false;
  const permission = permissionFor(event.name);
  if (!permission || !isAllowed(actor, 'event:read') || !isAllowed(actor, permission)) return false;
  const addressee = event.name.startsWith('notification') ? event.data['user_id'] : undefined;
  return addressee === undefined || addressee === null || addressee === personOf(actor);
}

function personOf(actor: Actor): string {
  return actor.kind === 'api_key' ? actor.ownerId : actor.id;
}
