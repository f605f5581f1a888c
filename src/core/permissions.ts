import type { Actor, Role } from './actor.js';

interface PermissionEntry {
  /** Roles that have it. */
  readonly roles: readonly Role[];
  /** Whether an agent's token has it. */
  readonly agent?: boolean;
  /** For the documents: what it allows. */
  readonly allows: string;
}

const ALL: readonly Role[] = ['admin', 'user'];
const ADMIN: readonly Role[] = ['admin'];
const EVERYONE: readonly Role[] = ['admin', 'user', 'client'];

const permission = (roles: readonly Role[], allows: string, agent = false): PermissionEntry => ({ roles, allows, agent });

/**
 * The one catalogue of permissions. A route names one of them, a role has some of them, and the scopes of an API key
 * are taken from them (`task:read`, or `task:*` for a whole family).
 */
export const PERMISSIONS = {
  'profile:read': permission(EVERYONE, 'read the own profile'),
  'profile:write': permission(EVERYONE, 'change the own profile and password'),
  'user:read': permission(ADMIN, 'list the users of the tenant'),
  'user:write': permission(ADMIN, 'create and change users'),
  'tenant:read': permission(ADMIN, 'read tenants'),
  'tenant:write': permission(ADMIN, 'create, change, suspend and resume tenants (operator)'),
  'api-key:read': permission(ALL, 'list API keys'),
  'api-key:write': permission(ALL, 'create and revoke API keys'),
  'sso:read': permission(ADMIN, 'read the providers of single sign-on, and whom their subjects are'),
  'sso:write': permission(ADMIN, 'change the providers of single sign-on, and whom their subjects are'),
  'agent:read': permission(ALL, 'read agents'),
  'agent:write': permission(ALL, 'create, change, start, stop and delete agents'),
  'agent:control': permission(ADMIN, 'pause, resume and kill agents'),
  'board:read': permission(ALL, 'read boards and their memory'),
  'board:write': permission(ALL, 'create and change boards and their memory'),
  'task:read': permission(ALL, 'read tasks'),
  'task:write': permission(ALL, 'create, change, comment and cancel tasks'),
  'dead-letter:read': permission(ADMIN, 'read the dead letter queue'),
  'dead-letter:write': permission(ADMIN, 'add, retry and remove dead letters'),
  'approval:read': permission(ALL, 'read approvals'),
  'approval:write': permission(ALL, 'request approvals'),
  'approval:decide': permission(ALL, 'approve and reject'),
  'trigger:read': permission(ALL, 'read triggers, what became of them and what they would have done'),
  'trigger:write': permission(ALL, 'create, change, toggle and delete triggers'),
  'notification:read': permission(ALL, 'read the own notifications'),
  'notification:write': permission(ALL, 'mark the own notifications as read'),
  'workflow:read': permission(ALL, 'read workflows and their runs'),
  'workflow:write': permission(ALL, 'create, change and delete workflows'),
  'workflow:run': permission(ALL, 'start, pause, resume, cancel and retry runs of workflows'),
  'approval-rule:read': permission(ALL, 'read the rules for approvals'),
  'approval-rule:write': permission(ADMIN, 'create, change and delete rules for approvals, shortly after signing in, and try them'),
  'breaker:read': permission(ADMIN, 'read circuit breakers, how they stand and why'),
  'breaker:write': permission(ADMIN, 'create, change, force and reset circuit breakers'),
  'webhook:read': permission(ALL, 'read webhooks, what they sent and what they received'),
  'webhook:write': permission(ALL, 'create, change, test and delete webhooks, and send again what they sent or received'),
  'intake:read': permission(ADMIN, 'list the forms of those who want to become a tenant'),
  'audit:read': permission(ADMIN, 'search the audit log'),
  'compliance:purge': permission(ADMIN, 'erase all content of an agent, or (operator) of a tenant'),
  'audit:export': permission(ADMIN, 'take the audit log out as a whole'),
  'secret:read': permission(ADMIN, 'list secrets, their versions and grants, never their values'),
  'secret:write': permission(ADMIN, 'create, change, rotate, grant and delete secrets'),
  'secret:reveal': permission(ADMIN, 'read the value of a secret, shortly after signing in'),
  'secret:use': permission([], 'use a granted secret while holding a lease', true),
  'portal:read': permission(EVERYONE, 'see how the work of the tenant goes and what it costs'),
  'event:read': permission(EVERYONE, 'follow the event stream'),
  'security:read': permission(ADMIN, 'read the security policy and the sessions of the tenant'),
  'security:write': permission(ADMIN, 'change the security policy and end sessions of the tenant'),
  'agent:work': permission([], 'the agent protocol: heartbeat, claim, complete', true),
} as const satisfies Record<string, PermissionEntry>;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as Permission[];

/** Whether a scope (`task:read`, `task:*`, `*`) covers a permission. */
export function scopeCovers(scope: string, permissionName: Permission): boolean {
  if (scope === '*' || scope === permissionName) return true;
  return scope.endsWith(':*') && permissionName.startsWith(scope.slice(0, -1));
}

/** Whether a string may stand as a scope of an API key. */
export function isScope(scope: string): boolean {
  return scope === '*' || PERMISSION_NAMES.some((name) => scope === name || scope === name.replace(/:.*$/, ':*'));
}

/** Whether an actor has a permission now: its role for people, scopes within the owner's role for keys. */
export function isAllowed(actor: Actor, permissionName: Permission): boolean {
  const entry: PermissionEntry = PERMISSIONS[permissionName];
  switch (actor.kind) {
    case 'user':
    case 'bootstrap':
      return entry.roles.includes(actor.role);
    case 'api_key':
      return entry.roles.includes(actor.role) && actor.scopes.some((scope) => scopeCovers(scope, permissionName));
    case 'agent':
      return entry.agent === true;
    case 'system':
      return true;
    default:
      return actor satisfies never;
  }
}
