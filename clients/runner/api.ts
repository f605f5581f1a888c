import { createWheelhouseClient, type Schemas, type WheelhouseClient } from '../typescript/src/index.ts';
import { retryAfterMs } from './backoff.ts';
import type { Token } from './token.ts';

export type Command = Schemas['AgentCommandView']['command'];
export type ClaimedTask = Schemas['ClaimedTaskView'];
export type ClaimOptions = Required<Pick<Schemas['ClaimTasksDto'], 'max' | 'lease_seconds' | 'wait_seconds'>> &
  Pick<Schemas['ClaimTasksDto'], 'board_id'>;

export interface Heartbeat {
  commands: Command[];
  nextMs: number;
}

/** The plane refused, or did not answer: then `status` is 0 and whatever was asked may have happened. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number;

  constructor(status: number, code: string, message: string, retryAfter = 0) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

/** How long an answer may take beyond the wait that was asked for; ms. */
const PATIENCE_MS = 15_000;

interface Exchange<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The agent protocol. Every method throws an ApiError for anything but success. */
export class AgentApi {
  private readonly baseUrl: string;
  private readonly token: Token;
  private client: WheelhouseClient | undefined;
  private clientToken = '';

  constructor(url: string, token: Token) {
    this.baseUrl = url;
    this.token = token;
  }

  async heartbeat(status: 'online' | 'offline', signal?: AbortSignal): Promise<Heartbeat> {
    const answer = await this.ask(
      (client, limit) => client.POST('/api/v1/agent/heartbeat', { body: { status }, signal: limit }),
      PATIENCE_MS,
      signal,
    );
    return { commands: answer.commands.map(({ command }) => command), nextMs: answer.next_heartbeat_seconds * 1000 };
  }

  async claim(body: ClaimOptions, signal?: AbortSignal): Promise<ClaimedTask[]> {
    const patience = body.wait_seconds * 1000 + PATIENCE_MS;
    const answer = await this.ask((client, limit) => client.POST('/api/v1/agent/tasks/claim', { body, signal: limit }), patience, signal);
    return answer.items;
  }

  /** @returns the commands that wait for the agent */
  async renew(id: string, fence: number, leaseSeconds: number, signal?: AbortSignal): Promise<Command[]> {
    const request = { params: { path: { id } }, body: { fence, lease_seconds: leaseSeconds } };
    const patience = Math.min(PATIENCE_MS, (leaseSeconds * 1000) / 3);
    const answer = await this.ask(
      (client, limit) => client.POST('/api/v1/agent/tasks/{id}/renew', { ...request, signal: limit }),
      patience,
      signal,
    );
    return answer.commands.map(({ command }) => command as Command);
  }

  async complete(id: string, fence: number, result: unknown, signal?: AbortSignal): Promise<void> {
    const request = { params: { path: { id } }, body: { fence, result } };
    await this.ask((client, limit) => client.POST('/api/v1/agent/tasks/{id}/complete', { ...request, signal: limit }), PATIENCE_MS, signal);
  }

  async fail(id: string, fence: number, error: string, retryable: boolean, signal?: AbortSignal): Promise<void> {
    const request = { params: { path: { id } }, body: { fence, error, retryable } };
    await this.ask((client, limit) => client.POST('/api/v1/agent/tasks/{id}/fail', { ...request, signal: limit }), PATIENCE_MS, signal);
  }

  async release(id: string, fence: number, signal?: AbortSignal): Promise<void> {
    const request = { params: { path: { id } }, body: { fence } };
    await this.ask((client, limit) => client.POST('/api/v1/agent/tasks/{id}/release', { ...request, signal: limit }), PATIENCE_MS, signal);
  }

  /** The value of a secret that the task needs. */
  async secret(name: string, taskId: string, signal?: AbortSignal): Promise<string> {
    const request = { params: { path: { name }, query: { task_id: taskId } } };
    const answer = await this.ask((client, limit) => client.GET('/api/v1/agent/secrets/{name}', { ...request, signal: limit }), PATIENCE_MS, signal);
    return answer.value;
  }

  private async ask<T>(
    send: (client: WheelhouseClient, limit: AbortSignal) => Promise<Exchange<T>>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<T> {
    const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
    let exchange: Exchange<T>;
    try {
      exchange = await send(this.currentClient(), signal ? AbortSignal.any([signal, limit]) : limit);
    } catch (error) {
      // No connection, cut, timed out, or something in between answered for the plane with what is no JSON.
      throw new ApiError(0, 'no_answer', `no answer from ${this.baseUrl}: ${reason(error)}`);
    }
    if (exchange.data !== undefined) return exchange.data;
    throw refusal(exchange.response, exchange.error);
  }

  /** The token can be another one than a moment ago. */
  private currentClient(): WheelhouseClient {
    if (this.client && this.clientToken === this.token.value) return this.client;
    this.clientToken = this.token.value;
    this.client = createWheelhouseClient({ baseUrl: this.baseUrl, agentToken: this.clientToken });
    return this.client;
  }
}

/** Undici hides why a connection failed in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
}

/** A problem, or whatever a proxy on the way made up. */
function refusal(response: Response, body: unknown): ApiError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as { code?: unknown; detail?: unknown };
  const code = typeof problem.code === 'string' ? problem.code : 'unknown';
  const detail = typeof problem.detail === 'string' ? problem.detail : response.statusText;
  return new ApiError(response.status, code, detail, retryAfterMs(response.headers.get('retry-after')));
}
