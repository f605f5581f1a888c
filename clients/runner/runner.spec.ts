import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentApi } from './api.ts';
import type { Outcome } from './outcome.ts';
import { Runner, type RunnerOptions } from './runner.ts';
import { sleep } from './sleep.ts';
import type { Handler } from './task-run.ts';
import { Token } from './token.ts';

interface Call {
  path: string;
  body: Record<string, unknown>;
}
type Answer = { status: number; body?: object; headers?: Record<string, string> } | 'cut';

/** A peer that answers as each test says: faults that a healthy plane does not show on request. */
class ScriptedPeer {
  readonly calls: Call[] = [];
  private readonly server: Server;
  private readonly answer: (call: Call, nth: number) => Answer | undefined;

  constructor(answer: (call: Call, nth: number) => Answer | undefined) {
    this.answer = answer;
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = {
      path: (request.url ?? '').replace('/api/v1/agent', ''),
      body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
    };
    this.calls.push(call);
    const answer = this.answer(call, this.count(call.path)) ?? usual(call);
    if (answer === 'cut') return void request.socket.destroy();
    if (call.path === '/tasks/claim' && answer.status === 200 && (answer.body as { items: [] }).items.length === 0) await sleep(20);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(JSON.stringify(answer.body ?? {}));
  }
}

function usual(call: Call): Answer {
  if (call.path === '/heartbeat') return { status: 200, body: { commands: [], next_heartbeat_seconds: 20 } };
  if (call.path === '/tasks/claim') return { status: 200, body: { items: [] } };
  return { status: 200, body: call.path.endsWith('/renew') ? { commands: [] } : {} };
}

const handOut = (...ids: string[]): Answer => ({
  status: 200,
  body: { items: ids.map((id) => ({ task: { id, title: id }, lease: { fence: 1, expires_at: '' } })) },
});
const problem = (status: number, code: string): Answer => ({ status, body: { code, detail: code } });
const completed = (result: unknown): Promise<Outcome> => Promise.resolve({ kind: 'completed', result });

/** Works until stopped. */
const endless: Handler = (_claimed, signal) =>
  new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve({ kind: 'failed', error: 'stopped', retryable: true }), { once: true }),
  );

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 800 && !condition(); tries++) await sleep(10);
  expect(condition()).toBe(true);
}

describe('Runner', () => {
  let peer: ScriptedPeer;
  let events: string[];
  afterEach(() => peer.close());

  async function start(
    answer: (call: Call, nth: number) => Answer | undefined,
    options: Partial<RunnerOptions> = {},
  ): Promise<{ runner: Runner; ended: Promise<void> }> {
    peer = new ScriptedPeer(answer);
    events = [];
    const token = options.token ?? new Token({ value: 'secret' });
    const runner = new Runner({
      api: new AgentApi(await peer.listen(), token),
      token,
      handler: () => completed(1),
      log: (event, fields) => events.push([event, fields?.['code'], fields?.['why']].filter(Boolean).join(' ')),
      concurrency: 2,
      leaseSeconds: 60,
      waitSeconds: 1,
      askAgainMs: 50,
      ...options,
    });
    const ended = runner.run();
    ended.catch(() => undefined);
    return { runner, ended };
  }

  it('claims up to its free slots, does the work, tells the result, and drains', async () => {
    const { runner, ended } = await start((call, nth) => (call.path === '/tasks/claim' && nth === 1 ? handOut('a', 'b') : undefined));
    await until(() => events.filter((event) => event === 'completed').length === 2);
    expect(peer.calls.find((call) => call.path === '/tasks/claim')?.body).toEqual({ max: 2, lease_seconds: 60, wait_seconds: 1 });
    expect(peer.calls.find((call) => call.path === '/tasks/a/complete')?.body).toEqual({ fence: 1, result: 1 });
    runner.drain();
    await ended;
  });

  it('repeats an outcome under the same fence until the answer is certain', async () => {
    const { runner, ended } = await start((call, nth) => {
      if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
      if (call.path !== '/tasks/a/complete') return undefined;
      return ['cut' as const, problem(503, 'unavailable'), problem(429, 'rate_limited')][nth - 1];
    });
    await until(() => events.includes('completed'));
    expect(peer.calls.filter((call) => call.path === '/tasks/a/complete').map((call) => call.body)).toEqual(
      Array(4).fill({ fence: 1, result: 1 }),
    );
    runner.drain();
    await ended;
  });

  it('takes a lost lease for an answer, and does not repeat', async () => {
    const { runner, ended } = await start((call, nth) => {
      if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
      return call.path === '/tasks/a/complete' ? problem(409, 'lease_lost') : undefined;
    });
    await until(() => events.includes('refused lease_lost'));
    runner.drain();
    await ended;
    expect(peer.count('/tasks/a/complete')).toBe(1);
  });

  it('fails a task for good whose result is refused', async () => {
    const { runner, ended } = await start((call, nth) => {
      if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
      return call.path === '/tasks/a/complete' ? problem(413, 'payload_too_large') : undefined;
    });
    await until(() => events.includes('failed'));
    expect(peer.calls.find((call) => call.path === '/tasks/a/fail')?.body).toMatchObject({ fence: 1, retryable: false });
    runner.drain();
    await ended;
  });

  it('fails a task for good whose completion its board refuses', async () => {
    const { runner, ended } = await start((call, nth) => {
      if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
      return call.path === '/tasks/a/complete' ? problem(409, 'comment_required') : undefined;
    });
    await until(() => events.includes('failed'));
    expect(peer.calls.find((call) => call.path === '/tasks/a/fail')?.body).toMatchObject({ fence: 1, retryable: false });
    runner.drain();
    await ended;
  });

  it('tells its result again while an approval is pending', async () => {
    const { runner, ended } = await start((call, nth) => {
      if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
      return call.path === '/tasks/a/complete' && nth === 1 ? problem(409, 'approval_pending') : undefined;
    });
    await until(() => events.includes('completed'));
    runner.drain();
    await ended;
  });

  it('makes a failure of a handler that throws', async () => {
    const handler = (): Promise<Outcome> => Promise.reject(new Error('broken'));
    const { runner, ended } = await start((call, nth) => (call.path === '/tasks/claim' && nth === 1 ? handOut('a') : undefined), {
      handler,
    });
    await until(() => events.includes('failed'));
    expect(peer.calls.find((call) => call.path === '/tasks/a/fail')?.body).toEqual({ fence: 1, error: 'broken', retryable: true });
    runner.drain();
    await ended;
  });

  it('renews at a third of the lease, and stops the work when that is refused', async () => {
    const { runner, ended } = await start(
      (call, nth) => {
        if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
        return call.path === '/tasks/a/renew' && nth === 3 ? problem(409, 'lease_lost') : undefined;
      },
      { handler: endless, leaseSeconds: 0.3 },
    );
    await until(() => events.includes('stopped lease_lost'));
    expect(peer.count('/tasks/a/renew')).toBe(3);
    runner.drain();
    await ended;
    expect(peer.count('/tasks/a/fail')).toBe(0);
  });

  it('stops the work when its lease ends while the plane is away', async () => {
    const { runner, ended } = await start(
      (call, nth) => {
        if (call.path === '/tasks/claim' && nth === 1) return handOut('a');
        return call.path === '/tasks/a/renew' ? 'cut' : undefined;
      },
      { handler: endless, leaseSeconds: 0.3 },
    );
    await until(() => events.some((event) => event.startsWith('stopped the lease ended')));
    runner.drain();
    await ended;
  });

  it('obeys pause and resume, and finishes what runs meanwhile', async () => {
    let finish: (() => void) | undefined;
    const handler: Handler = () => new Promise((resolve) => (finish = () => resolve({ kind: 'completed', result: 1 })));
    let command: string[] = [];
    const { runner, ended } = await start(
      (call, nth) => {
        if (call.path === '/tasks/claim')
          return nth === 1 ? handOut('a') : command[0] === 'pause' ? problem(409, 'agent_paused') : undefined;
        return call.path === '/heartbeat'
          ? { status: 200, body: { commands: nth === 1 ? [] : command.map((name) => ({ command: name })), next_heartbeat_seconds: 0.05 } }
          : undefined;
      },
      { handler },
    );
    await until(() => finish !== undefined);
    command = ['pause'];
    await until(() => events.includes('paused'));
    finish?.();
    await until(() => events.includes('completed'));
    command = ['resume'];
    await until(() => events.includes('working'));
    runner.drain();
    await ended;
  });

  it('works again when the command to resume was lost: work handed out says so', async () => {
    let resumed = false;
    const { runner, ended } = await start((call) => {
      if (call.path !== '/tasks/claim') return undefined;
      return resumed ? handOut('a') : problem(409, 'agent_paused');
    });
    await until(() => events.includes('paused'));
    resumed = true;
    await until(() => events.includes('completed'));
    runner.drain();
    await ended;
  });

  it('stops everything at once when killed, claims nothing, and works again when resumed', async () => {
    let killed = false;
    const { runner, ended } = await start(
      (call, nth) => {
        if (killed) return problem(403, 'agent_killed');
        if (call.path === '/tasks/claim' && nth === 1) return handOut('a', 'b');
        return call.path === '/heartbeat' ? { status: 200, body: { commands: [], next_heartbeat_seconds: 0.05 } } : undefined;
      },
      { handler: endless },
    );
    await until(() => events.filter((event) => event === 'started').length === 2);
    killed = true;
    await until(() => events.includes('killed'));
    expect(events.filter((event) => event === 'stopped the agent was killed')).toHaveLength(2);
    const claims = peer.count('/tasks/claim');
    const beats = peer.count('/heartbeat');
    await until(() => peer.count('/heartbeat') > beats + 2);
    expect(peer.count('/tasks/claim')).toBe(claims);
    killed = false;
    await until(() => events.includes('working') && peer.count('/tasks/claim') > claims);
    runner.drain();
    await ended;
  });

  it('asks soon whether it may work again, however rarely it shows signs of life otherwise', async () => {
    let killed = true;
    const { runner, ended } = await start((call, nth) => {
      if (call.path === '/heartbeat' && nth === 1) return { status: 200, body: { commands: [], next_heartbeat_seconds: 60 } };
      return killed ? problem(403, 'agent_killed') : undefined;
    });
    await until(() => events.includes('killed') && peer.count('/heartbeat') > 1);
    killed = false;
    await until(() => events.includes('working'));
    runner.drain();
    await ended;
  });

  it('gives back what it cannot finish, and what arrives while it drains, without beginning it', async () => {
    const { runner, ended } = await start((call, nth) => (call.path === '/tasks/claim' && nth === 1 ? handOut('a') : undefined), {
      handler: endless,
      concurrency: 1,
    });
    await until(() => events.includes('started'));
    runner.drain();
    runner.giveBackAll();
    await ended;
    expect(peer.calls.find((call) => call.path === '/tasks/a/release')?.body).toEqual({ fence: 1 });
    expect(peer.count('/tasks/a/fail')).toBe(0);
  });

  it('ends with an error when nobody knows its token', async () => {
    const { ended } = await start(() => problem(401, 'unauthenticated'));
    await expect(ended).rejects.toMatchObject({ status: 401 });
  });

  it('comes back by itself when the plane was away', async () => {
    const { runner, ended } = await start((call, nth) => {
      if (nth <= 2 && call.path !== '/tasks/a/complete') return nth === 1 ? 'cut' : problem(503, 'unavailable');
      return call.path === '/tasks/claim' && nth === 3 ? handOut('a') : undefined;
    });
    await until(() => events.includes('completed'));
    runner.drain();
    await ended;
  });
});
