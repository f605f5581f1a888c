import { setTimeout as sleep } from 'node:timers/promises';
import { HistoryWriter, type OpOf, wasAccepted } from './history.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface ApiClientOptions {
  client: string;
  urls: readonly string[];
  folder: string;
  seed: number;
  headers: Record<string, string>;
  agentIds: readonly string[];
  boardId: string;
}

const OPERATIONS = { create: 60, patch: 12, cancel: 6, comment: 10, read: 8, 'patch-agent': 4 };

/** A person, or a program with an API key, that makes tasks and changes its own. */
export class ApiClient {
  private readonly options: ApiClientOptions;
  private readonly http: RecordedHttp;
  private readonly prng: Prng;
  /** Tasks that are known to exist because their making was acknowledged. */
  private readonly tasks: string[] = [];
  private count = 0;

  constructor(options: ApiClientOptions) {
    this.options = options;
    this.prng = new Prng(options.seed);
    const history = new HistoryWriter(options.folder, options.client);
    this.http = new RecordedHttp({ client: options.client, urls: options.urls, headers: options.headers, history, prng: this.prng });
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.step();
      await sleep(this.prng.between(10, 90));
    }
  }

  private async step(): Promise<void> {
    this.count += 1;
    const name = `${this.options.client}-${this.count}`;
    const operation = this.tasks.length === 0 ? 'create' : this.prng.weighted(OPERATIONS);
    switch (operation) {
      case 'create':
        return this.create(name);
      case 'comment':
        return this.comment(name);
      case 'patch':
        return this.once('patch', { task_id: this.ownTask(), description: name }, 'PATCH', ({ task_id, description }) => [
          `/tasks/${task_id}`,
          { description },
        ]);
      case 'cancel':
        return this.once('cancel', { task_id: this.ownTask() }, 'POST', ({ task_id }) => [`/tasks/${task_id}/cancel`, { reason: name }]);
      case 'read':
        return this.once('read', { task_id: this.ownTask() }, 'GET', ({ task_id }) => [`/tasks/${task_id}`]);
      case 'patch-agent':
        return this.once(
          'patch-agent',
          { agent_id: this.prng.pick(this.options.agentIds), description: name },
          'PATCH',
          ({ agent_id, description }) => [`/agents/${agent_id}`, { description }],
        );
      default:
        return operation satisfies never;
    }
  }

  /** The latest ones, mostly: those are still being worked on. */
  private ownTask(): string {
    return this.prng.pick(this.prng.next() < 0.8 ? this.tasks.slice(-20) : this.tasks);
  }

  private async create(name: string): Promise<void> {
    const title = `torture ${name}`;
    const request = {
      key: name,
      title,
      ...(this.prng.next() < 0.2 ? { board_id: this.options.boardId } : {}),
      ...(this.tasks.length > 0 && this.prng.next() < 0.15 ? { depends_on: [this.ownTask()] } : {}),
    };
    const { key: _key, ...body } = request;
    const created = await this.retried(() =>
      this.http.send(
        'create',
        request,
        { method: 'POST', path: '/tasks', body: { ...body, payload: { n: this.count } }, key: name },
      ),
    );
    const id = created && (created.body as { id?: string }).id;
    if (id !== undefined) this.tasks.push(id);
  }

  private async comment(name: string): Promise<void> {
    const request = { task_id: this.ownTask(), key: name, body: `comment ${name}` };
    await this.retried(() =>
      this.http.send('comment', request, {
        method: 'POST',
        path: `/tasks/${request.task_id}/comments`,
        body: { body: request.body },
        key: name,
      }),
    );
  }

  private async once<N extends 'patch' | 'cancel' | 'read' | 'patch-agent'>(
    op: N,
    request: Parameters<RecordedHttp['send']>[1] & OpOf<N>['request'],
    method: 'GET' | 'POST' | 'PATCH',
    place: (request: OpOf<N>['request']) => [string, object?],
  ): Promise<void> {
    const [path, body] = place(request);
    await this.http.send(op, request, { method, path, ...(body ? { body } : {}) });
  }

  /** The same request under the same key until it is answered, a few times; sometimes it is given up in the dark. */
  private async retried<N extends 'create' | 'comment'>(send: () => Promise<OpOf<N>>): Promise<OpOf<N> | undefined> {
    for (let tries = 0; tries < 6; tries++) {
      const done = await send();
      if (wasAccepted(done as never)) return done;
      const again =
        done.status === 0 || done.status >= 500 || (done.body as { code?: string } | undefined)?.code === 'idempotency_in_progress';
      if (!again) return undefined;
      await sleep(this.prng.between(100, 700));
    }
    return undefined;
  }
}
