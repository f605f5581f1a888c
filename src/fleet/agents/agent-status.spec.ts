import { AGENT_STATUSES, statusOf, statusWhenResumed, statusWhenStarted } from './agent-status.js';

const running = { is_active: true, control_state: 'running' } as const;

describe('the status of an agent', () => {
  it('follows what the agent reports while nobody holds it', () => {
    for (const status of AGENT_STATUSES) expect(statusOf(running, status, 0)).toBe(status);
  });

  it('turns online into idle or busy by what it holds', () => {
    expect(statusOf(running, 'online', 0)).toBe('idle');
    expect(statusOf(running, 'online', 1)).toBe('busy');
  });

  it('is what the operator decided, whatever the agent reports', () => {
    expect(statusOf({ is_active: false, control_state: 'running' }, 'busy', 3)).toBe('offline');
    expect(statusOf({ is_active: true, control_state: 'killed' }, 'busy', 3)).toBe('offline');
    expect(statusOf({ is_active: true, control_state: 'paused' }, 'busy', 3)).toBe('paused');
    expect(statusOf({ is_active: true, control_state: 'paused' }, 'offline', 0)).toBe('offline');
  });

  it('is idle after a start, unless it is at work or held', () => {
    expect(statusWhenStarted({ status: 'offline', control_state: 'running' })).toBe('idle');
    expect(statusWhenStarted({ status: 'busy', control_state: 'running' })).toBe('busy');
    expect(statusWhenStarted({ status: 'offline', control_state: 'paused' })).toBe('paused');
    expect(statusWhenStarted({ status: 'offline', control_state: 'killed' })).toBe('offline');
  });

  it('comes back after a resume when the agent was heard lately', () => {
    expect(statusWhenResumed({ status: 'paused', is_active: true, control_state: 'paused' }, 0)).toBe('idle');
    expect(statusWhenResumed({ status: 'paused', is_active: true, control_state: 'paused' }, 2)).toBe('busy');
    expect(statusWhenResumed({ status: 'offline', is_active: true, control_state: 'paused' }, 0)).toBe('offline');
    expect(statusWhenResumed({ status: 'offline', is_active: true, control_state: 'killed' }, 0)).toBe('offline');
    expect(statusWhenResumed({ status: 'error', ...running }, 0)).toBe('error');
  });
});
