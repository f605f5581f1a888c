import type { Delivery, History, SocketEntry, Op, OpName, OpOf, Requests } from '../history.ts';
import { check } from './check.ts';
import { type Snapshot, TENANT } from './snapshot.ts';

/** Builds a history in which every exchange takes one tick, so that each faulty one differs in one place alone. */
class Scene {
  readonly history: History = { ops: [], deliveries: [], sockets: [], faults: [] };
  readonly db: Snapshot = { tasks: [], attempts: [], audit: [], events: [], comments: [], agents: [], dependencies: [], members: [], leaves: [], checkpoints: [], wrapped: [], purges: [] };
  private clock = 0;

  op<N extends OpName>(op: N, request: Requests[N], status: number, body: unknown = {}): OpOf<N> {
    const calledAt = (this.clock += 1);
    const answeredAt = (this.clock += 1);
    const done: OpOf<N> = { op, request_id: `torture-${calledAt}`, request, calledAt, answeredAt, status, body };
    this.history.ops.push(done as unknown as Op);
    return done;
  }

  audit(action: string, request: { request_id: string }, resourceId: string | null = null): void {
    this.db.audit.push({
      id: `audit-${this.db.audit.length}`,
      action,
      outcome: 'done',
      resource_id: resourceId,
      request_id: request.request_id,
      tenant_id: TENANT,
      at: this.clock,
    });
  }

  event(name: string, data: Record<string, unknown>): Delivery {
    const event = { id: `event-${this.db.events.length}`, name, data, at: 100_000 };
    this.db.events.push(event);
    this.history.deliveries.push(event);
    return event;
  }

  /** A task that is made, handed to `first`, expires, is handed to `second` and completed. */
  task(id: string, first = 'ann', second = 'bob'): void {
    const created = this.op('create', { key: id, title: `torture ${id}` }, 201, { id });
    this.audit('task.create', created, id);
    this.event('task.created', { task_id: id });
    this.claim(id, first, 1);
    this.event('task.failed', { task_id: id, fence: 1 });
    this.db.attempts.push({ task_id: id, fence: 1, agent_id: first, outcome: 'expired' });
    this.claim(id, second, 2);
    this.write('complete', id, second, 2);
    this.event('task.completed', { task_id: id, fence: 2 });
    this.db.attempts.push({ task_id: id, fence: 2, agent_id: second, outcome: 'completed' });
    this.db.tasks.push({ id, title: `torture ${id}`, status: 'completed', description: null, fence: 2, result: { by: `${second}/2` }, board_id: null });
  }

  act(agentId: string, act: 'pause' | 'kill' | 'resume'): void {
    this.audit(`agent.${act}`, this.op('control', { agent_id: agentId, act }, 200), agentId);
  }

  claim(taskId: string, agentId: string, fence: number): void {
    this.op('claim', { agent_id: agentId, max: 1 }, 200, { items: [{ task: { id: taskId }, lease: { fence } }] });
  }

  write(op: 'complete' | 'fail' | 'release' | 'renew', taskId: string, agentId: string, fence: number, status = 200): OpOf<'complete'> {
    const request = { agent_id: agentId, task_id: taskId, fence, result: { by: `${agentId}/${fence}` } };
    return this.op(op as 'complete', request, status);
  }

  /** The log is sealed as it is: check-security.spec.ts is about what is wrong with that. */
  rules(): string[] {
    this.db.leaves = this.db.audit.map(({ id }, seq) => ({ tenant_id: TENANT, seq, row_id: id }));
    this.db.checkpoints = [{ tenant_id: TENANT, size: this.db.leaves.length, root: 'root', at: 0 }];
    return [...new Set(check(this.history, this.db).map(({ rule }) => rule))].sort();
  }
}

/** The first row that matches; the test would be wrong without one. */
function the<T>(items: T[], matches: (item: T) => boolean = () => true): T {
  const item = items.find(matches);
  if (item === undefined) throw new Error('not in the scene');
  return item;
}

describe('the checker', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
    scene.task('one');
    scene.task('two');
  });

  it('finds nothing wrong where nothing is', () => {
    expect(scene.rules()).toEqual([]);
  });

  it('takes a timeout for what may have happened, either way', () => {
    scene.op('create', { key: 'never', title: 'torture never' }, 0);
    scene.write('complete', 'one', 'ann', 1, 0);
    scene.op('patch', { task_id: 'one', description: 'perhaps' }, 0);
    expect(scene.rules()).toEqual([]);
    the(scene.db.tasks).description = 'perhaps';
    expect(scene.rules()).toEqual([]);
    scene.op('comment', { task_id: 'one', key: 'c', body: 'perhaps' }, 503);
    scene.db.comments.push({ id: 'c1', task_id: 'one', body: 'perhaps' });
    expect(scene.rules()).toEqual([]);
  });

  it('takes a repeated outcome for what it is', () => {
    scene.write('complete', 'one', 'bob', 2);
    expect(scene.rules()).toEqual([]);
  });

  describe('notices', () => {
    it('a task that was acknowledged and is not there', () => {
      scene.op('create', { key: 'gone', title: 'torture gone' }, 201, { id: 'gone' });
      expect(scene.rules()).toEqual(['audit missing', 'lost']);
    });

    it('a task that was made twice by one key, and one that nobody asked for', () => {
      scene.db.tasks.push({ ...the(scene.db.tasks), id: 'again', status: 'cancelled', fence: 0 });
      expect(scene.rules()).toContain('doubled');
      the(scene.db.tasks, ({ id }) => id === 'again').title = 'stray';
      expect(scene.rules()).toContain('invented');
    });

    it('a task that cannot be read after it was acknowledged', () => {
      scene.op('read', { task_id: 'one' }, 404);
      expect(scene.rules()).toEqual(['lost']);
    });

    it('a change that did not last, and a cancelled task that goes on', () => {
      const patch = scene.op('patch', { task_id: 'one', description: 'new' }, 200);
      scene.audit('task.update', patch, 'one');
      expect(scene.rules()).toEqual(['lost']);
      the(scene.db.tasks).description = 'new';
      expect(scene.rules()).toEqual([]);
      const cancel = scene.op('cancel', { task_id: 'one' }, 200);
      scene.audit('task.cancel', cancel, 'one');
      expect(scene.rules()).toEqual(['lost']);
    });

    it('a comment that is lost or doubled', () => {
      const comment = scene.op('comment', { task_id: 'one', key: 'c', body: 'hello' }, 201);
      scene.audit('task.comment', comment, 'one');
      expect(scene.rules()).toEqual(['lost']);
      scene.db.comments.push({ id: 'c1', task_id: 'one', body: 'hello' }, { id: 'c2', task_id: 'one', body: 'hello' });
      expect(scene.rules()).toEqual(['doubled']);
    });

    it('one attempt with two owners', () => {
      scene.claim('one', 'ann', 2);
      expect(scene.rules()).toEqual(['fence went back', 'two owners']);
    });

    it('an attempt that is recorded for another agent than it was handed to', () => {
      the(scene.db.attempts, ({ task_id, fence }) => task_id === 'one' && fence === 1).agent_id = 'eve';
      expect(scene.rules()).toEqual(['two owners']);
    });

    it('a write under an older fence', () => {
      scene.write('renew', 'one', 'ann', 1);
      expect(scene.rules()).toEqual(['stale write']);
    });

    it('an older fence that completes: the same as if the fence check were taken out', () => {
      scene.write('complete', 'one', 'ann', 1);
      expect(scene.rules()).toEqual(['lost', 'stale write']);
    });

    it('a failure under an older fence, unless it repeats one that was sent in time', () => {
      scene.write('fail', 'one', 'ann', 1);
      expect(scene.rules()).toEqual(['lost', 'stale write']);
      the(scene.db.attempts, ({ task_id, fence }) => task_id === 'one' && fence === 1).outcome = 'failed';
      expect(scene.rules()).toEqual(['stale write']);
      const unanswered = scene.write('fail', 'one', 'ann', 1, 0);
      unanswered.calledAt = the(scene.history.ops, (op) => op.op === 'claim').calledAt;
      expect(scene.rules()).toEqual([]);
    });

    it('an acknowledged outcome that the database does not know', () => {
      const attempt = the(scene.db.attempts, ({ outcome }) => outcome === 'completed');
      attempt.outcome = 'expired';
      expect(scene.rules()).toEqual(['event missing', 'event without change', 'lost']);
    });

    it('a result that is not the one that was acknowledged', () => {
      the(scene.db.tasks).result = { by: 'ann/1' };
      expect(scene.rules()).toEqual(['lost']);
    });

    it('an attempt that vanished, and a task that was completed twice', () => {
      scene.db.attempts.splice(0, 1);
      expect(scene.rules()).toContain('lost');
      const twice = new Scene();
      twice.task('one');
      the(twice.db.attempts).outcome = 'completed';
      expect(twice.rules()).toContain('doubled');
    });

    it('a change without its audit row, with two, or recorded as something else', () => {
      const row = the(scene.db.audit);
      scene.db.audit.push({ ...row, id: 'again' });
      expect(scene.rules()).toEqual(['audit doubled']);
      scene.db.audit.pop();
      row.action = 'task.update';
      expect(scene.rules()).toEqual(['audit missing', 'audit wrong']);
      scene.db.audit.shift();
      expect(scene.rules()).toEqual(['audit missing']);
    });

    it('an audit row of something that was refused, or that nobody asked for', () => {
      const refused = scene.op('cancel', { task_id: 'one' }, 409);
      scene.audit('task.cancel', refused, 'one');
      expect(scene.rules()).toEqual(['audit without change']);
      scene.db.audit.pop();
      scene.audit('task.cancel', { request_id: 'torture-stray' }, 'one');
      expect(scene.rules()).toEqual(['audit without change']);
    });

    it('a retry under one key that is recorded twice', () => {
      const again = scene.op('create', { key: 'one', title: 'torture one' }, 201, { id: 'one' });
      expect(scene.rules()).toEqual([]);
      scene.audit('task.create', again, 'one');
      expect(scene.rules()).toEqual(['audit doubled']);
    });

    it('an event that was published twice or never', () => {
      const event = scene.event('task.completed', { task_id: 'one', fence: 2 });
      expect(scene.rules()).toEqual(['event doubled']);
      scene.db.events = scene.db.events.filter(({ name, data }) => name !== event.name || data['task_id'] !== 'one');
      scene.history.deliveries = scene.history.deliveries.filter(({ id }) => scene.db.events.some((known) => known.id === id));
      expect(scene.rules()).toEqual(['event missing']);
    });

    it('an event that was not delivered, but not one that was delivered twice', () => {
      scene.history.deliveries.push(the(scene.history.deliveries));
      expect(scene.rules()).toEqual([]);
      const missing = the(scene.db.events).id;
      scene.history.deliveries = scene.history.deliveries.filter(({ id }) => id !== missing);
      expect(scene.rules()).toEqual(['event not delivered']);
    });

    it('an event that was delivered under another id, or with other content', () => {
      scene.history.deliveries.push({ ...the(scene.history.deliveries), id: 'event-x' });
      expect(scene.rules()).toEqual(['event invented']);
      scene.history.deliveries.pop();
      scene.history.deliveries.push({ ...the(scene.history.deliveries), name: 'task.failed' });
      expect(scene.rules()).toEqual(['event changed']);
    });

    it('an agent that works on while it is killed, or gets more while it is paused', () => {
      scene.act('ann', 'kill');
      scene.write('complete', 'one', 'bob', 2);
      expect(scene.rules()).toEqual([]);
      scene.op('claim', { agent_id: 'ann', max: 1 }, 200, { items: [] });
      expect(scene.rules()).toEqual(['disobeyed']);
      scene.history.ops.pop();
      scene.act('ann', 'resume');
      scene.op('claim', { agent_id: 'ann', max: 1 }, 200, { items: [] });
      expect(scene.rules()).toEqual([]);
      scene.act('bob', 'pause');
      scene.op('claim', { agent_id: 'bob', max: 1 }, 200, { items: [] });
      scene.write('complete', 'one', 'bob', 2);
      expect(scene.rules()).toEqual([]);
      scene.task('three', 'ann', 'bob');
      expect(scene.rules()).toEqual(['disobeyed']);
    });

    it('a task that is handed out before what it depends on is completed, or to a stranger', () => {
      scene.db.dependencies.push({ task_id: 'two', depends_on: 'one' });
      expect(scene.rules()).toEqual([]);
      scene.db.dependencies.push({ task_id: 'one', depends_on: 'two' });
      expect(scene.rules()).toEqual(['too early']);
      scene.db.dependencies.pop();
      the(scene.db.tasks).board_id = 'board';
      scene.db.members.push({ board_id: 'board', agent_id: 'ann' });
      expect(scene.rules()).toEqual(['wrong board']);
      scene.db.members.push({ board_id: 'board', agent_id: 'bob' });
      expect(scene.rules()).toEqual([]);
    });

    it('what an open socket was not told, or told otherwise', () => {
      const { sockets } = scene.history;
      sockets.push({ socket: 1, what: 'open', at: 90_000 });
      for (const { id, name, data } of scene.db.events) sockets.push({ socket: 1, what: 'event', id, name, data });
      sockets.push({ socket: 1, what: 'close', at: 130_000 });
      expect(scene.rules()).toEqual([]);
      const [told] = sockets.splice(2, 1);
      expect(scene.rules()).toEqual(['event not delivered']);
      sockets.push({ ...told, name: 'task.other' } as SocketEntry, { socket: 2, what: 'event', id: 'x', name: 'task.failed', data: {} });
      expect(scene.rules()).toEqual(['event changed', 'event invented']);
    });

    it('a task that never ended', () => {
      const task = the(scene.db.tasks);
      task.status = 'queued';
      expect(scene.rules()).toContain('never ended');
    });
  });
});
