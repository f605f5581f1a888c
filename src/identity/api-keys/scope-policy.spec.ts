import type { Actor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { checkScopes } from './scope-policy.js';

const user: Actor = { kind: 'user', id: 'u', tenantId: 't', role: 'user', sessionId: 's', authenticatedAt: new Date(), mfa: false, label: 'u' };
const admin: Actor = { ...user, role: 'admin' };
const key: Actor = { kind: 'api_key', id: 'k', tenantId: 't', role: 'admin', ownerId: 'u', scopes: ['task:*', 'user:read'], label: 'k' };

function codeOf(scopes: string[], actor: Actor): string {
  try {
    checkScopes(scopes, actor);
    return 'ok';
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return (error as Problem).code;
  }
}

describe('the scopes of a new key', () => {
  it.each([
    [['task:read'], user, 'ok'],
    [['task:*'], user, 'ok'],
    [['agent:*'], user, 'scope_exceeded'],
    [['agent:*'], admin, 'ok'],
    [['*'], user, 'scope_exceeded'],
    [['*'], admin, 'ok'],
    [['agent:work'], admin, 'scope_exceeded'],
    [['task:read'], key, 'ok'],
    [['task:*', 'user:read'], key, 'ok'],
    [['user:*'], key, 'scope_exceeded'],
    [['*'], key, 'scope_exceeded'],
    [['task'], admin, 'invalid_request'],
    [['task:'], admin, 'invalid_request'],
    [[':*'], admin, 'invalid_request'],
    [['t*'], admin, 'invalid_request'],
    [['**'], admin, 'invalid_request'],
    [['__proto__'], admin, 'invalid_request'],
  ] as [string[], Actor, string][])('%p for %o are %s', (scopes, actor, code) => {
    expect(codeOf(scopes, actor)).toBe(code);
  });
});
