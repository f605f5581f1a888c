import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { ClsService } from 'nestjs-cls';
import type { Actor } from '../../core/actor.js';
import type { Permission } from '../../core/permissions.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Authenticator } from '../../platform/auth/authenticator.js';
import { Guesses } from '../../platform/auth/guesses.js';
import { networkOf } from '../../platform/networks/ip-ranges.js';
import type { Credential } from '../../platform/auth/credentials.js';
import { RefusedActor } from '../../platform/auth/refused-actor.js';
import type { ContextStore } from '../../platform/context/request-context.js';
import { EventFeed } from '../../platform/events/event-feed.js';
import type { LoggedEvent } from '../../platform/events/event-log.js';
import type { RealtimeConnection, RealtimeHost } from './realtime-connection.js';
import { RealtimeLimits } from './realtime-limits.js';

/** Where connections show their credentials: says who they are, and counts them by address and by credential. */
@Injectable()
export class RealtimeDesk implements RealtimeHost {
  private readonly strangers = new Map<string, Set<RealtimeConnection>>();
  private readonly guests = new Map<string, Set<RealtimeConnection>>();
  private readonly texts = new WeakMap<LoggedEvent, string>();

  constructor(
    readonly limits: RealtimeLimits,
    private readonly feed: EventFeed,
    private readonly audit: AuditPort,
    private readonly authenticator: Authenticator,
    private readonly guesses: Guesses,
    private readonly cls: ClsService<ContextStore>,
  ) {}

  /** @returns false when too many from that address have not said who they are */
  enter(connection: RealtimeConnection): boolean {
    return join(this.strangers, addressOf(connection), connection, this.limits.mostUnknownPerAddress);
  }

  admit(connection: RealtimeConnection, actor: Actor): boolean {
    part(this.strangers, addressOf(connection), connection);
    return join(this.guests, credentialOf(actor), connection, this.limits.mostPerCredential);
  }

  leave(connection: RealtimeConnection): void {
    part(this.strangers, addressOf(connection), connection);
    if (connection.actor) part(this.guests, credentialOf(connection.actor), connection);
  }

  /** Guessing is limited by address like everywhere; looking again at a credential that was good is no attempt. */
  async authenticate(connection: RealtimeConnection, credential: Credential, attempt: boolean): Promise<Actor> {
    const check = (): Promise<Actor> => this.inContext(connection, undefined, () => this.authenticator.authenticate(credential));
    if (!attempt) return check();
    try {
      return await this.guesses.judge(credential, { ip: connection.origin.ip } as Request, check);
    } catch (error) {
      if (error instanceof RefusedActor) await this.inContext(connection, error.actor, () => this.audit.denied({ action: 'access.denied', detail: { operation: 'websocket', code: error.code } }));
      throw error;
    }
  }

  async deny(connection: RealtimeConnection, actor: Actor, permission: Permission): Promise<void> {
    await this.inContext(connection, actor, () => this.audit.denied({ action: 'access.denied', detail: { operation: 'websocket', permission } }));
  }

  follow(tenantId: string, receive: (event: LoggedEvent) => void): Promise<() => void> {
    return this.feed.follow({ tenantId, onEvent: receive });
  }

  textOf(event: LoggedEvent): string {
    const known = this.texts.get(event);
    if (known !== undefined) return known;
    const text = JSON.stringify({ type: 'event', event: event.name, id: event.id, occurred_at: event.occurred_at, data: event.data });
    this.texts.set(event, text);
    return text;
  }

  private inContext<T>({ socket, origin }: RealtimeConnection, actor: Actor | undefined, work: () => Promise<T>): Promise<T> {
    const store = { requestId: socket.requestId, operationId: 'websocket', actor, tenantId: actor?.tenantId, ...origin };
    return this.cls.runWith(store, work);
  }
}

const addressOf = ({ origin }: RealtimeConnection): string => networkOf(origin.ip);

/** A session, a key, a bootstrap token: what stands behind one token and its successors. */
const credentialOf = (actor: Actor): string => `${actor.kind}:${actor.kind === 'user' ? actor.sessionId : actor.id}`;

function join(groups: Map<string, Set<RealtimeConnection>>, key: string, connection: RealtimeConnection, most: number): boolean {
  const group = groups.get(key) ?? new Set();
  if (group.size >= most) return false;
  groups.set(key, group.add(connection));
  return true;
}

function part(groups: Map<string, Set<RealtimeConnection>>, key: string, connection: RealtimeConnection): void {
  const group = groups.get(key);
  group?.delete(connection);
  if (group?.size === 0) groups.delete(key);
}
