import { Injectable } from '@nestjs/common';
import { ClsService, type ClsStore } from 'nestjs-cls';
import { type Actor, systemActor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';

/** What is known about the running request or job. */
export interface ContextStore extends ClsStore {
  requestId?: string;
  operationId?: string;
  actor?: Actor;
  /** The tenant that queries see: the actor's, unless an operator named another. */
  tenantId?: string;
  ip?: string;
  userAgent?: string;
  /** `If-Match` of the request, unparsed. */
  ifMatch?: string;
  /** What holds the session that a sign-in opens: tokens, or the cookie of a browser. */
  sessionKind?: 'bearer' | 'cookie';
}

/** The context of the running request: actor, tenant, request id. Everything that needs them asks here. */
@Injectable()
export class RequestContext {
  constructor(private readonly cls: ClsService<ContextStore>) {}

  /** @throws Problem `unauthenticated` outside of an authenticated request or job */
  get actor(): Actor {
    const actor = this.cls.get('actor');
    if (!actor) throw new Problem('unauthenticated');
    return actor;
  }

  get actorOrUndefined(): Actor | undefined {
    return this.cls.isActive() ? this.cls.get('actor') : undefined;
  }

  /** @throws Problem `unauthenticated` where no tenant is known */
  get tenantId(): string {
    const tenantId = this.tenantIdOrUndefined;
    if (!tenantId) throw new Problem('unauthenticated');
    return tenantId;
  }

  get tenantIdOrUndefined(): string | undefined {
    return this.cls.isActive() ? this.cls.get('tenantId') : undefined;
  }

  get requestId(): string | undefined {
    return this.cls.isActive() ? this.cls.get('requestId') : undefined;
  }

  /** One value of the store; undefined outside of a request. */
  get<K extends keyof ContextStore & string>(key: K): ContextStore[K] | undefined {
    return this.cls.isActive() ? this.cls.get<ContextStore>()[key] : undefined;
  }

  set<K extends keyof ContextStore & string>(key: K, value: ContextStore[K]): void {
    this.cls.get<ContextStore>()[key] = value;
  }

  /** Gives the request its actor, and with it the tenant that its queries see. */
  become(actor: Actor, tenantId: string = actor.tenantId): void {
    this.set('actor', actor);
    this.set('tenantId', tenantId);
  }

  /** Runs `work` in a context of its own as `actor`: jobs, followers of the event log, sockets. */
  runAs<T>(actor: Actor, work: () => Promise<T>, requestId?: string): Promise<T> {
    return this.cls.runWith({ actor, tenantId: actor.tenantId, requestId: requestId ?? this.requestId }, work);
  }

  /**
   * Runs a part of the running request for another actor or tenant: a sign-in acts as the account it opens. The request
   * itself keeps what it had, and its open transaction does not reach inside.
   */
  within<T>(part: { tenantId: string; actor?: Actor; ip?: string }, work: () => Promise<T>): Promise<T> {
    const { requestId, operationId, ip, userAgent, ifMatch, sessionKind } = this.cls.isActive() ? this.cls.get<ContextStore>() : ({} as ContextStore);
    return this.cls.runWith({ requestId, operationId, ip, userAgent, ifMatch, sessionKind, ...part }, work);
  }

  /** Runs `work` as the plane itself, for one tenant. `name` says which part of the plane. */
  runAsSystem<T>(tenantId: string, name: string, work: () => Promise<T>, requestId?: string): Promise<T> {
    return this.runAs(systemActor(tenantId, name), work, requestId);
  }
}
