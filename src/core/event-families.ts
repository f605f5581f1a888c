import type { Actor, Role } from './actor.js';
import { isAllowed, type Permission, PERMISSIONS } from './permissions.js';

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
  trigger: 'trigger:read',
  workflow: 'workflow:read',
  system: 'event:read',
  circuit_breaker: 'breaker:read',
  webhook: 'webhook:read',
} as const satisfies Record<string, Permission>;

/** The permission behind a fact, or behind a pattern other than `*`. */
export function permissionFor(name: string): Permission | undefined {
  const family = name.split('.')[0] ?? '';
  return Object.hasOwn(FAMILIES, family) ? FAMILIES[family as keyof typeof FAMILIES] : undefined;
}

/** Whether somebody of a role may see a fact. */
export function roleSees(role: Role, name: string): boolean {
  const permission = permissionFor(name);
  return permission !== undefined && (PERMISSIONS[permission].roles).includes(role);
}

/** What a caller lacks to be told of one of these facts; undefined when it may be told of all. A key sees by its scopes, whatever its owner sees. */
export function lackingFor(actor: Actor, names: readonly string[]): Permission | undefined {
  return names.map(permissionFor).find((permission) => permission !== undefined && !isAllowed(actor, permission));
}

/** Whether a fact is for one person alone. */
export const isPersonal = (name: string, data: Record<string, unknown>): boolean => name.startsWith('notification') && (data['user_id'] ?? null) !== null;
