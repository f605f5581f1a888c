import { isIP, type LookupFunction } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { ProblemCode } from '../../core/problem-catalogue.js';
import { Problem } from '../../core/problem.js';
import { isInTransaction } from '../database/transaction-scope.js';
import type { CallTarget, Passage } from './breakers.port.js';
import { EgressMeter } from './egress-meter.js';
import { EgressPassages, WITHOUT_BREAKERS } from './egress-passages.js';
import { EgressPolicy } from './egress-policy.js';

const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_TIMEOUT_MS = 600_000;
const DEFAULT_BYTES = 1_048_576;
const CONNECT_TIMEOUT_MS = 5_000;
/** Where a request goes follows from its address alone; how it is framed is the client's. */
const REFUSED_HEADERS = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'expect', 'te', 'trailer']);

/** As the metrics call it. */
const OUTCOMES: Readonly<Partial<Record<ProblemCode, string>>> = { egress_refused: 'refused', circuit_open: 'circuit_open' };

export interface EgressRequest {
  url: string | URL;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** For the whole exchange, connecting included. */
  timeoutMs?: number;
  /** Of the answer's body. */
  maxBytes?: number;
  /** A longer body is no failure: its first `maxBytes` are the answer. */
  cut?: boolean;
  /** What it is for, in a word: a label of the metrics, never anything about a tenant. */
  purpose: string;
  /** What it goes to beside the host, where circuit breakers may stand too. */
  targets?: readonly CallTarget[];
  signal?: AbortSignal;
}

export interface EgressAnswer {
  status: number;
  /** Names in lower case; several values of one name are joined by commas. */
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * The one way out. Each request goes to an address that was checked, follows no redirect, and ends in bounded time with a
 * bounded answer. It knows no proxy: what the environment says of one is not looked at.
 */
@Injectable()
export class Egress implements OnApplicationShutdown {
  private readonly agent: Agent;
  private readonly narrower: Egress[] = [];

  constructor(
    private readonly policy: EgressPolicy,
    private readonly meter: EgressMeter,
    private readonly passages: EgressPassages,
  ) {
    this.agent = new Agent({ connect: (options, callback) => this.connect(options, callback), connections: 64, keepAliveTimeout: 4_000, maxHeaderSize: 32_768, allowH2: false });
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   * @throws Problem `egress_refused` (an address that nothing is sent to), `egress_failed` (no answer, or not one in the bounds),
   * `circuit_open` (a breaker stands in front of it: no connection is made)
   * @throws Error when it is called from a transaction
   */
  async request(asked: EgressRequest): Promise<EgressAnswer> {
    if (isInTransaction()) throw new Error(`A transaction does not wait for the network (${asked.purpose}).`);
    try {
      const answer = await this.exchange(asked);
      this.meter.count(asked.purpose, `${Math.floor(answer.status / 100)}xx`);
      return answer;
    } catch (error) {
      const problem = toProblem(error);
      this.meter.count(asked.purpose, OUTCOMES[problem.code] ?? 'failed');
      throw problem;
    }
  }

  /**
   * Says of an address, before anything is sent there, what it says itself. What its name stands for is looked at with each request.
   * @throws Problem `egress_refused`
   */
  check(url: string): void {
    this.policy.checkUrl(parse(url));
  }

  /** Shaped like `fetch`, for libraries that take one. Redirects come back as they are. */
  fetchFor(purpose: string, limits: Pick<EgressRequest, 'timeoutMs' | 'maxBytes'> = {}): (url: string | URL, init?: FetchInit) => Promise<Response> {
    return async (url, { method = 'GET', headers, body, signal } = {}) => {
      const sent = Object.fromEntries(new Headers(headers).entries());
      if (body instanceof URLSearchParams) sent['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8';
      const answer = await this.request({
        ...limits,
        url,
        method: method as EgressRequest['method'],
        headers: sent,
        purpose,
        ...(body === undefined || body === null ? {} : { body: bodyOf(body) }),
        ...(signal ? { signal } : {}),
      });
      const empty = [204, 205, 304].includes(answer.status) || answer.body.length === 0;
      return new Response(empty ? null : new Uint8Array(answer.body), { status: answer.status, headers: answer.headers });
    };
  }

  /** A way out to one host and no other, on a private network too and past no breaker: the operator has named it. It ends with this one. */
  onlyTo(url: string): Egress {
    const way = new Egress(this.policy.onlyTo(new URL(url).hostname), this.meter, WITHOUT_BREAKERS);
    this.narrower.push(way);
    return way;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.narrower.map((way) => way.onApplicationShutdown()));
    await this.agent.destroy();
  }

  private async exchange(asked: EgressRequest): Promise<EgressAnswer> {
    const { headers = {}, targets = [] } = asked;
    const url = parse(asked.url);
    this.policy.checkUrl(url);
    const bad = Object.keys(headers).find((name) => REFUSED_HEADERS.has(name.toLowerCase()));
    if (bad !== undefined) throw new Problem('egress_refused', { detail: `The header ${bad} is not the caller's to set.` });
    const passage = await this.passages.enter(url, targets);
    const start = performance.now();
    try {
      const answer = await this.send(url, asked);
      await tellAnswer(passage, answer.status, performance.now() - start);
      return answer;
    } catch (error) {
      const problem = toProblem(error);
      // The caller's patience had its end, not the plane's: who waits for an instant learns nothing about the host.
      if (isLate(error) && asked.signal?.aborted !== true) await passage.timedOut(problem.message, patienceOf(asked));
      else await tellProblem(passage, problem, asked.signal?.aborted === true, performance.now() - start);
      throw problem;
    }
  }

  private async send(url: URL, asked: EgressRequest): Promise<EgressAnswer> {
    const { method = 'GET', headers = {}, body, maxBytes = DEFAULT_BYTES, cut = false, signal } = asked;
    const deadline = AbortSignal.timeout(patienceOf(asked));
    const answer = await request(url, {
      dispatcher: this.agent,
      method,
      headers: { 'user-agent': 'wheelhouse', ...headers },
      body: body ?? null,
      signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
    });
    return { status: answer.statusCode, headers: flat(answer.headers), body: await (cut ? readFirst(maxBytes, answer) : readAtMost(maxBytes, answer)) };
  }

  /** The agent's way to a connection: the name is resolved here and nowhere else, and what was checked is what is connected to. */
  private connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    const port = options.port === '' ? (options.protocol === 'https:' ? 443 : 80) : Number(options.port);
    this.policy.resolve(options.hostname, port).then(
      (addresses) => buildConnector({ lookup: pinned(addresses), timeout: CONNECT_TIMEOUT_MS, allowH2: false, maxCachedSessions: 0 })(options, callback),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  }
}

/** The part of `fetch`'s options that counts here. */
export interface FetchInit {
  method?: string;
  headers?: ConstructorParameters<typeof Headers>[0];
  body?: unknown;
  signal?: AbortSignal | null;
}

/** A look-up that answers with what was checked already. */
function pinned(addresses: readonly string[]): LookupFunction {
  const list = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    if (options.all) return callback(null, list);
    callback(null, list[0]?.address ?? '', list[0]?.family);
  };
}

function parse(url: string | URL): URL {
  if (url instanceof URL) return url;
  if (!URL.canParse(url)) throw new Problem('egress_refused', { detail: 'That is not an address.' });
  return new URL(url);
}

async function readAtMost(bytes: number, { body, headers }: Dispatcher.ResponseData): Promise<Buffer> {
  const tooLarge = new Problem('egress_failed', { detail: `The answer is larger than ${bytes} bytes.`, limit: bytes });
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop early destroys the body, and the connection with it.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytes || Number(headers['content-length'] ?? 0) > bytes) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What is longer is not read: the connection ends with it. */
async function readFirst(bytes: number, { body }: Dispatcher.ResponseData): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytes) break;
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const given = Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}

function bodyOf(body: unknown): string | Buffer {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body;
  if (body instanceof URLSearchParams) return body.toString();
  if (body instanceof Uint8Array) return Buffer.from(body);
  throw new TypeError('Only text and bytes are sent.');
}

/** A server that is not well, or wants to be left alone, says so by its status. */
function tellAnswer(passage: Passage, status: number, ms: number): Promise<void> {
  return status >= 500 || status === 429 ? passage.failed(`HTTP ${status}`, ms) : passage.succeeded(ms);
}

/** What the caller gave up, what was never sent, and an answer that is too large say nothing about how the host is. */
function tellProblem(passage: Passage, problem: Problem, givenUp: boolean, ms: number): Promise<void> {
  return givenUp || problem.code !== 'egress_failed' || problem.details.limit !== undefined ? passage.abandoned() : passage.failed(problem.message, ms);
}

const patienceOf = ({ timeoutMs = DEFAULT_TIMEOUT_MS }: EgressRequest): number => Math.min(timeoutMs, LONGEST_TIMEOUT_MS);

/** Whether the time that the caller gave was over. That a connection is not made in time is the host's affair. */
const isLate = (error: unknown): boolean => (error as { name?: string }).name === 'TimeoutError';

/** What went wrong, in words that show nothing of the inside: which address it was, or how far it got, is nobody's business. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return new Problem('egress_failed', { detail: 'There was no answer in time.' });
  if (name === 'AbortError') return new Problem('egress_failed', { detail: 'The request was given up.' });
  if (code?.startsWith('ERR_TLS') || code?.includes('CERT') || code?.startsWith('UNABLE_TO') || code === 'DEPTH_ZERO_SELF_SIGNED_CERT') return new Problem('egress_failed', { detail: 'The certificate of the host is not trusted.' });
  return new Problem('egress_failed', { detail: 'The host cannot be reached, or what it says is not HTTP.' });
}
