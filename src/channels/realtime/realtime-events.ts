import type { Actor } from '../../core/actor.js';
import { permissionFor } from '../../core/event-families.js';
import { isAllowed } from '../../core/permissions.js';

const PATTERN = /^(?:\*|[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*(?:\.\*)?)$/;

/** Whether a text is `*`, the name of a fact (`task.completed`) or of a family (`task.*`). */
export function isEventPattern(pattern: string): boolean {
  return PATTERN.test(pattern) && (pattern === '*' || permissionFor(pattern) !== undefined);
}

export function matchesPattern(pattern: string, name: string): boolean {
  return pattern === '*' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1)));
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
