import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Request, Response } from 'express';
import { type Actor, roleOf } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { Authenticator } from '../auth/authenticator.js';
import { Browsers } from '../auth/browsers.js';
import type { Credential } from '../auth/credentials.js';
import { revocationTagsOf } from '../auth/revocation-tags.js';
import { Revocations } from '../cache/revocations.js';
import { RequestContext } from '../context/request-context.js';
import { Loops } from '../jobs/loops.js';

/** Proxies and browsers give up on a silent connection after 30 to 60 s. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 1_000;
/** More than this unread, and the client is taken to have stopped reading. */
const MOST_UNREAD_BYTES = 1_048_576;

/** One message (WHATWG HTML, section 9.2.6). `id` comes back as `Last-Event-ID` when the client reconnects. */
export interface StreamMessage {
  id?: string;
  event?: string;
  data: unknown;
}

/** Why a stream ended, told to the client in a last event named `end`. */
export type EndReason = 'shutdown' | 'revoked' | 'gone';

/** A stream of server-sent events to one client. */
export class EventStream {
  private readonly closers: (() => void)[] = [];
  private readonly heartbeat: NodeJS.Timeout;
  private stalled = false;
  private closed = false;

  constructor(
    private readonly response: Response,
    /** `Last-Event-ID` of a client that reconnects. */
    readonly lastEventId: string | undefined,
  ) {
    response.status(200);
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    response.write(`retry: ${RECONNECT_MS}\n\n`);
    response.once('close', () => this.close());
    // A broken connection also closes; what was unsent is lost with it, as it is when a client just goes away.
    response.on('error', () => this.close());
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_MS);
  }

  /** Sends a message; a client that has stopped reading is dropped. */
  send({ id, event, data }: StreamMessage): void {
    this.write(`${id === undefined ? '' : `id: ${oneLine(id)}\n`}${event === undefined ? '' : `event: ${oneLine(event)}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Tells the client the `Last-Event-ID` to resume from, though there was no event yet. */
  mark(id: string): void {
    this.write(`id: ${oneLine(id)}\n\n`);
  }

  /** Resolves when the client has taken what was sent, or is gone. @returns whether it is still there */
  async ready(): Promise<boolean> {
    if (!this.closed && this.response.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.response.off('drain', done).off('close', done);
          resolve();
        };
        this.response.once('drain', done).once('close', done);
      });
    }
    return !this.closed;
  }

  /** Calls back when the stream has ended, whoever ended it; at once when it has already. */
  onClose(closer: () => void): void {
    if (this.closed) closer();
    else this.closers.push(closer);
  }

  /** Ends the stream and tells the client why. */
  end(reason: EndReason): void {
    if (this.closed) return;
    this.send({ event: 'end', data: { reason } });
    this.response.end();
    this.close();
  }

  /** Breaks the connection off: the client comes back and goes on after the last message it got. */
  abort(): void {
    this.response.destroy();
    this.close();
  }

  private write(text: string): void {
    if (this.closed) return;
    this.response.write(text);
    if (this.response.writableLength > MOST_UNREAD_BYTES) this.response.destroy();
  }

  /** Between two heartbeats a client that reads takes something, however slow its network. */
  private beat(): void {
    if (this.stalled && this.response.writableNeedDrain) {
      this.response.destroy();
      return;
    }
    this.stalled = this.response.writableNeedDrain;
    this.write(': heartbeat\n\n');
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.heartbeat);
    for (const closer of this.closers.splice(0)) closer();
  }
}

/** Who has a stream open, and by what right. */
interface Holder {
  actor: Actor;
  credential: Credential | undefined;
  tags: readonly string[];
  /** Where the caller is: the rules for addresses may change while the stream is open. */
  ip: string | undefined;
}

/** Opens streams, and ends them at shutdown or when the credentials they were opened with are revoked or run out. */
@Injectable()
export class EventStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly open = new Map<EventStream, Holder>();
  private stopping = false;

  constructor(
    private readonly context: RequestContext,
    private readonly authenticator: Authenticator,
    private readonly loops: Loops,
    private readonly browsers: Browsers,
    revocations: Revocations,
  ) {
    revocations.onRevoked((tags) => this.endWhere((holder) => holder.tags.some((tag) => tags.includes(tag)), 'revoked'));
  }

  onApplicationBootstrap(): void {
    this.loops.every('event-streams', HEARTBEAT_MS, () => this.lookAgain());
  }

  /**
   * Begins a stream as the answer to a request. Everything that can be refused is refused before: from here on the
   * status is 200.
   * @returns the stream; undefined when there is none to write to (HEAD, shutdown)
   */
  async start(request: Request, response: Response): Promise<EventStream | undefined> {
    if (this.stopping) throw new Problem('unavailable', { detail: 'This process is shutting down.', retryAt: new Date(Date.now() + 1000) });
    if (request.method === 'HEAD') {
      response.status(200).setHeader('Content-Type', 'text/event-stream; charset=utf-8');
      response.end();
      return undefined;
    }
    const actor = this.context.actor;
    const holder = { actor, credential: this.browsers.credentialOf(request), tags: revocationTagsOf(actor), ip: this.context.get('ip') };
    const stream = new EventStream(response, lastEventIdOf(request));
    this.open.set(stream, holder);
    stream.onClose(() => this.open.delete(stream));
    // A revocation between the guard's check and this line found no stream to end.
    if (!(await this.holds(holder))) {
      stream.end('revoked');
      return undefined;
    }
    return stream;
  }

  /** Ends the streams whose credentials have run out: nobody tells of that. */
  async lookAgain(): Promise<void> {
    for (const [stream, holder] of [...this.open]) if (!(await this.holds(holder))) stream.end('revoked');
  }

  /** Whether the credentials still stand for the same caller. What cannot be checked does not hold. */
  private async holds({ actor, credential, ip }: Holder): Promise<boolean> {
    const still = await this.context.within({ tenantId: actor.tenantId, ip }, () => this.authenticator.authenticate(credential)).catch(() => undefined);
    return still !== undefined && still.id === actor.id && roleOf(still) === roleOf(actor);
  }

  beforeApplicationShutdown(): void {
    this.stopping = true;
    this.endWhere(() => true, 'shutdown');
  }

  private endWhere(matches: (holder: Holder) => boolean, reason: EndReason): void {
    for (const [stream, holder] of [...this.open]) if (matches(holder)) stream.end(reason);
  }
}

function lastEventIdOf(request: Request): string | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' && header !== '' && header.length <= 128 ? header : undefined;
}

const oneLine = (text: string): string => text.replaceAll(/[\r\n\0]/g, ' ');
