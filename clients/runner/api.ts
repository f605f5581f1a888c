import { retryAfterMs } from './backoff.ts';
import type { Token } from './token.ts';

export type Command = 'pause' | 'resume' | 'kill' | 'rotate_token';

export interface Task {
  id: string;
  title: string;
  [field: string]: unknown;
}

export interface ClaimedTask {
  task: Task;
  lease: { fence: number; expires_at: string };
}

export interface Heartbeat {
  commands: Command[];
  nextMs: number;
}

/** A command as the plane tells it. */
interface ToldCommand {
  command: Command;
}

export interface ClaimOptions {
  max: number;
  lease_seconds: number;
  wait_seconds: number;
  board_id?: string;
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

/** The agent protocol over HTTP. Every method throws an ApiError for anything but success. */
export class AgentApi {
  private readonly base: string;
  private readonly token: Token;

  constructor(url: string, token: Token) {
    this.base = `${url.replace(/\/+$/, '')}/api/v1/agent`;
    this.token = token;
  }

  async heartbeat(status: 'online' | 'offline', signal?: AbortSignal): Promise<Heartbeat> {
    const answer = await this.post<{ commands: ToldCommand[]; next_heartbeat_seconds: number }>('/heartbeat', { status }, PATIENCE_MS, signal);
    return { commands: answer.commands.map(({ command }) => command), nextMs: answer.next_heartbeat_seconds * 1000 };
  }

  async claim(options: ClaimOptions, signal?: AbortSignal): Promise<ClaimedTask[]> {
    const answer = await this.post<{ items: ClaimedTask[] }>('/tasks/claim', options, options.wait_seconds * 1000 + PATIENCE_MS, signal);
    return answer.items;
  }

  /** @returns the commands that wait for the agent */
  async renew(id: string, fence: number, leaseSeconds: number, signal?: AbortSignal): Promise<Command[]> {
    const patience = Math.min(PATIENCE_MS, (leaseSeconds * 1000) / 3);
    const answer = await this.post<{ commands: ToldCommand[] }>(`/tasks/${id}/renew`, { fence, lease_seconds: leaseSeconds }, patience, signal);
    return answer.commands.map(({ command }) => command);
  }

  async complete(id: string, fence: number, result: unknown, signal?: AbortSignal): Promise<void> {
    await this.post(`/tasks/${id}/complete`, { fence, result }, PATIENCE_MS, signal);
  }

  async fail(id: string, fence: number, error: string, retryable: boolean, signal?: AbortSignal): Promise<void> {
    await this.post(`/tasks/${id}/fail`, { fence, error, retryable }, PATIENCE_MS, signal);
  }

  async release(id: string, fence: number, signal?: AbortSignal): Promise<void> {
    await this.post(`/tasks/${id}/release`, { fence }, PATIENCE_MS, signal);
  }

  private async post<T>(path: string, body: object, timeoutMs: number, signal?: AbortSignal): Promise<T> {
    const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.base + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.token.value}`, 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        redirect: 'error',
      });
      text = await response.text();
    } catch (error) {
      throw new ApiError(0, 'no_answer', `no answer from ${this.base}${path}: ${reason(error)}`);
    }
    if (response.ok) return parse<T>(text, response.status);
    throw refusal(response, text);
  }
}

/** Undici hides why a connection failed in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
}

function parse<T>(text: string, status: number): T {
  try {
    return JSON.parse(text === '' ? '{}' : text) as T;
  } catch {
    // Something in between answered for the plane.
    throw new ApiError(0, 'no_answer', `the answer with status ${status} is not JSON`);
  }
}

function refusal(response: Response, text: string): ApiError {
  let problem: { code?: unknown; detail?: unknown } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    problem = { detail: text.slice(0, 200) };
  }
  const code = typeof problem.code === 'string' ? problem.code : 'unknown';
  const detail = typeof problem.detail === 'string' ? problem.detail : response.statusText;
  return new ApiError(response.status, code, detail, retryAfterMs(response.headers.get('retry-after')));
}
