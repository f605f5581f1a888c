import type { ApiKeyActor, Role, UserActor } from '../../core/actor.js';
import { permissionFor } from '../../core/event-families.js';
import { isEventPattern, matchesPattern, maySee } from './realtime-events.js';

const user = (role: Role): UserActor => ({ kind: 'user', id: 'u1', tenantId: 't1', role, sessionId: 's1', authenticatedAt: new Date(), mfa: false, label: 'a@example.com' });
const key = (...scopes: string[]): ApiKeyActor => ({ kind: 'api_key', id: 'k1', tenantId: 't1', role: 'admin', ownerId: 'u1', scopes, label: 'key' });
const event = (name: string, data: Record<string, unknown> = {}, tenant_id = 't1'): { name: string; tenant_id: string; data: Record<string, unknown> } => ({ name, tenant_id, data });

describe('patterns', () => {
  it.each(['*', 'task.completed', 'task.*', 'agent.status', 'worker.online', 'message.new', 'notification', 'system.alert', 'approval.decided'])('takes %s', (pattern) => {
    expect(isEventPattern(pattern)).toBe(true);
  });
  it.each(['', '**', 'task*', '*.completed', 'task.', 'Task.completed', 'unknown.thing', '__proto__', 'constructor', 'task.*.x', 'task..x', 'tas k'])('refuses %p', (pattern) => {
    expect(isEventPattern(pattern)).toBe(false);
  });
  it('matches by name, family or everything', () => {
    expect(['*', 'task.*', 'task.completed'].every((pattern) => matchesPattern(pattern, 'task.completed'))).toBe(true);
    expect(['agent.*', 'task.created', 'task'].some((pattern) => matchesPattern(pattern, 'task.completed'))).toBe(false);
    expect(matchesPattern('task.*', 'taskforce.made')).toBe(false);
  });
});

describe('maySee', () => {
  it('asks for the permission of the family', () => {
    expect(maySee(user('user'), event('task.completed'))).toBe(true);
    expect(maySee(user('client'), event('task.completed'))).toBe(false);
    expect(maySee(user('client'), event('system.alert'))).toBe(true);
    expect(maySee(user('user'), event('user.created'))).toBe(false);
    expect(maySee(key('event:read', 'task:read'), event('task.created'))).toBe(true);
    expect(maySee(key('event:read', 'task:read'), event('agent.status'))).toBe(false);
    expect(maySee(key('task:read'), event('task.created'))).toBe(false);
  });
  it('shows nobody what has no permission, nor what is another tenant\'s', () => {
    expect(maySee(user('admin'), event('unknown.thing'))).toBe(false);
    expect(permissionFor('toString.x')).toBeUndefined();
    expect(maySee(user('admin'), event('task.created', {}, 't2'))).toBe(false);
  });
  it('keeps what is addressed to one person for that person', () => {
    expect(maySee(user('client'), event('notification', { user_id: 'u1' }))).toBe(true);
    expect(maySee(user('admin'), event('notification', { user_id: 'u2' }))).toBe(false);
    expect(maySee(key('*'), event('notification', { user_id: 'u1' }))).toBe(true);
    expect(maySee(user('client'), event('notification'))).toBe(true);
  });
});
