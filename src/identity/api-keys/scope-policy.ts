import type { Actor } from '../../core/actor.js';
import { isAllowed, isScope, PERMISSION_NAMES, PERMISSIONS, type Permission, scopeCovers } from '../../core/permissions.js';
import { Problem } from '../../core/problem.js';

/**
 * Holds the scopes of a new key against what its creator may do now.
 * @throws Problem `invalid_request` for what is no scope, `scope_exceeded` with the permissions that go beyond
 */
export function checkScopes(scopes: readonly string[], creator: Actor): void {
  const unknown = scopes.map((scope, index) => ({ scope, index })).filter(({ scope }) => !isScope(scope));
  if (unknown.length > 0) {
    const errors = unknown.map(({ index }) => ({
      field: `scopes.${index}`,
      code: 'unknown_scope',
      message: `scopes.${index} is not a scope`,
    }));
    throw new Problem('invalid_request', { detail: errors[0]?.message, errors });
  }
  const beyond = scopes.flatMap((scope) => permissionsOf(scope).filter((permission) => !isAllowed(creator, permission)));
  if (beyond.length > 0) throw new Problem('scope_exceeded', { extra: { permissions: [...new Set(beyond)] } });
}

/** What a scope stands for. What only agents may do is no part of a family, but asked for by name it is beyond everyone. */
function permissionsOf(scope: string): Permission[] {
  return PERMISSION_NAMES.filter((name) => scopeCovers(scope, name) && (name === scope || PERMISSIONS[name].roles.length > 0));
}
