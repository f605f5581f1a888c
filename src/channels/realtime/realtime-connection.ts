import type { Actor } from '../../core/actor.js';
import { isAllowed, type Permission } from '../../core/permissions.js';
import { invalidField, Problem } from '../../core/problem.js';
import { credentialFromToken, type Credential } from '../../platform/auth/credentials.js';
import { revocationTagsOf } from '../../platform/auth/revocation-tags.js';
import type { LoggedEvent } from '../../platform/events/event-log.js';
import { toProblem } from '../../platform/http/problem.filter.js';
import { permissionFor } from '../../core/event-families.js';
import { isEventPattern, matchesPattern, maySee } from './realtime-events.js';
import type { RealtimeLimits } from './realtime-limits.js';
import type { ClientMessage } from './realtime-messages.js';
import { CLOSE, type RealtimeSocket } from './realtime-socket.js';

/** What a connection needs of the house. */
export interface RealtimeHost {
  readonly limits: RealtimeLimits;
  /** Finds out who a credential stands for now. `attempts` are counted against the address when they fail. */
  authenticate(connection: RealtimeConnection, credential: Credential, attempt: boolean): Promise<Actor>;
  /** Takes a place among the credential's connections. @returns false when they are too many */
  admit(connection: RealtimeConnection, actor: Actor): boolean;
  /** Leaves the audit row of a refusal. */
  deny(connection: RealtimeConnection, actor: Actor, permission: Permission): Promise<void>;
  /** Hands every fact of a tenant to `receive` from now on. @returns ends that */
  follow(tenantId: string, receive: (event: LoggedEvent) => void): Promise<() => void>;
  /** The text of a fact, the same for everyone who sees it. */
  textOf(event: LoggedEvent): string;
}

/** One client on /ws: who it is, what it follows, and what it may see of that now. */
export class RealtimeConnection {
  actor: Actor | undefined;
  private credential: Credential | undefined;
  private tags: readonly string[] = [];
  private readonly patterns = new Set<string>();
  private unfollow: (() => void) | undefined;
  /** Facts that wait while it is found out what the credentials are worth now. */
  private held: LoggedEvent[] | undefined;
  /** How often something underneath was revoked: an answer from before the last time says nothing. */
  private doubts = 0;
  private steps: Promise<void> = Promise.resolve();
  private waitingSteps = 0;
  private ended = false;

  constructor(
    readonly socket: RealtimeSocket,
    readonly origin: { ip: string | undefined; userAgent: string | undefined },
    private readonly host: RealtimeHost,
  ) {}

  /** Does one thing after the other, in the order in which the client asked. */
  do(step: () => void | Promise<void>): void {
    if (this.waitingSteps >= this.host.limits.burst) {
      this.socket.close(CLOSE.tooMany, 'too many messages wait for an answer');
      return;
    }
    this.waitingSteps += 1;
    this.steps = this.steps
      .then(() => (this.ended ? undefined : step()))
      .catch((error: unknown) => this.socket.sendProblem(toProblem(error)))
      .finally(() => (this.waitingSteps -= 1));
  }

  async handle(message: ClientMessage): Promise<void> {
    if (message.type === 'auth') return this.authenticate(credentialFromToken(message.token));
    if (!this.actor) return this.socket.close(CLOSE.unauthenticated, 'unauthenticated: the first message must be auth');
    switch (message.type) {
      case 'ping':
        return this.socket.send({ type: 'pong' });
      case 'subscribe':
        return this.subscribe(message.event, this.actor);
      case 'unsubscribe':
        this.patterns.delete(message.event);
        return this.socket.send({ type: 'unsubscribed', event: message.event });
      default:
        return message satisfies never;
    }
  }

  /** The first time says who this is; later ones bring a fresh token of the same caller. */
  async authenticate(credential: Credential): Promise<void> {
    const actor = await this.identify(credential, true);
    if (!actor || this.ended) return;
    if (this.actor && !isSameCaller(this.actor, actor)) throw new Problem('forbidden', { detail: 'This connection belongs to another caller; open a new one.' });
    if (!this.actor && !this.host.admit(this, actor)) {
      this.socket.close(CLOSE.tooMany, `too many connections: at most ${this.host.limits.mostPerCredential} per credential`);
      return;
    }
    this.become(actor, credential);
    // A revocation between the look-up and the line above found nothing to end here: look once more.
    await this.recheck(true);
    if (this.socket.open) this.socket.send({ type: 'authenticated' });
  }

  /** Whether what was revoked is what this connection rests on. */
  restsOn(tags: readonly string[]): boolean {
    return this.tags.some((tag) => tags.includes(tag));
  }

  /**
   * Looks at the credentials again. When something they rest on was `revoked`, facts are held back from this moment on
   * until it is known what they are worth; otherwise a database that is away is no reason to part.
   */
  reconsider(revoked: boolean): void {
    if (!this.actor) return;
    if (revoked) {
      this.doubts += 1;
      this.held ??= [];
    }
    void this.recheck(revoked).catch((error: unknown) => this.socket.close(CLOSE.tryLater, toProblem(error).code));
  }

  end(): void {
    this.ended = true;
    this.patterns.clear();
    this.held = undefined;
    this.unfollow?.();
    this.unfollow = undefined;
  }

  private become(actor: Actor, credential: Credential): void {
    this.actor = actor;
    this.credential = credential;
    this.tags = revocationTagsOf(actor);
  }

  private async recheck(strict: boolean): Promise<void> {
    const { actor: before, credential, doubts } = this;
    if (!before || !credential) return;
    const actor = await this.identify(credential, false, strict);
    if (!actor || this.ended || credential !== this.credential || doubts !== this.doubts) return;
    if (!isSameCaller(before, actor)) return this.socket.close(CLOSE.unauthenticated, 'unauthenticated: the credential changed hands');
    this.become(actor, credential);
    const held = this.held ?? [];
    this.held = undefined;
    for (const event of held) this.deliver(event);
  }

  /** @returns undefined when the credential is not, or no longer, good: the socket is closed then */
  private async identify(credential: Credential, attempt: boolean, strict = true): Promise<Actor | undefined> {
    try {
      const actor = await this.host.authenticate(this, credential, attempt);
      if (isAllowed(actor, 'event:read')) return actor;
      await this.host.deny(this, actor, 'event:read');
      this.socket.close(CLOSE.forbidden, 'forbidden: event:read is needed');
    } catch (error) {
      const problem = toProblem(error);
      if (problem.status < 500 || strict) this.socket.close(codeFor(problem), `${problem.code}: ${problem.message}`);
    }
    return undefined;
  }

  private async subscribe(pattern: string, actor: Actor): Promise<void> {
    if (!isEventPattern(pattern)) throw invalidField('event', 'unknown', 'is no event: a name (task.completed), a family (task.*) or *');
    const permission = pattern === '*' ? undefined : permissionFor(pattern);
    if (permission && !isAllowed(actor, permission)) {
      await this.host.deny(this, actor, permission);
      throw new Problem('forbidden', { detail: `These credentials do not have the permission ${permission}.`, extra: { permission } });
    }
    const most = this.host.limits.mostSubscriptions;
    if (this.patterns.size >= most && !this.patterns.has(pattern)) throw new Problem('rate_limited', { detail: `A connection has at most ${most} subscriptions.`, limit: most, current: most });
    const unfollow = this.unfollow ?? (await this.host.follow(actor.tenantId, (event) => this.receive(event)));
    // Gone while the log was joined?
    if (this.ended) return unfollow();
    this.unfollow = unfollow;
    this.patterns.add(pattern);
    this.socket.send({ type: 'subscribed', event: pattern });
  }

  private receive(event: LoggedEvent): void {
    if (!this.wanted(event)) return;
    if (!this.held) return this.deliver(event);
    this.held.push(event);
    if (this.held.length > this.host.limits.mostHeldEvents) this.socket.close(CLOSE.tooSlow, 'too slow: too many events while the credentials were looked at');
  }

  private deliver(event: LoggedEvent): void {
    if (this.actor && maySee(this.actor, event)) this.socket.sendText(this.host.textOf(event));
  }

  private wanted({ name }: LoggedEvent): boolean {
    for (const pattern of this.patterns) if (matchesPattern(pattern, name)) return true;
    return false;
  }
}

function codeFor({ status }: Problem): number {
  if (status === 401) return CLOSE.unauthenticated;
  if (status === 403) return CLOSE.forbidden;
  return status === 429 ? CLOSE.tooMany : CLOSE.tryLater;
}

const isSameCaller = (a: Actor, b: Actor): boolean => a.kind === b.kind && a.id === b.id && a.tenantId === b.tenantId;
