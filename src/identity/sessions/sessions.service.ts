import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Restriction } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import type { SessionKind } from '../../platform/auth/browsers.js';
import { CsrfTokens } from '../../platform/auth/csrf-tokens.port.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, isWellFormedToken, newToken } from '../../platform/crypto/tokens.js';
import { securityTag } from '../access-policy/security-policies.reader.js';
import { AccessTokensService } from './access-tokens.service.js';
import { PendingSignIns } from './pending-sign-ins.port.js';
import { signInTag } from './session-lookup.js';
import { restrictionOf } from './session-ways.js';
import { type LockedSession, SessionsRepository } from './sessions.repository.js';
import { COOKIE_PREFIX, type EndReason, type IssuedTokens, type OpenedSession, type RefreshedSession, type SessionOpening, type SessionOwner, UserSessions } from './user-sessions.port.js';

const REFRESH_PREFIX = 'whr_';
const PREFIXES: Readonly<Record<SessionKind, string>> = { bearer: REFRESH_PREFIX, cookie: COOKIE_PREFIX };

/** What a caller brings to have its session live on. */
interface Presented {
  hash: Buffer;
  kind: SessionKind;
  csrfToken?: string;
}

/** Opens, renews and ends sessions. */
@Injectable()
export class SessionsService extends UserSessions {
  private readonly lifeSeconds: number;

  constructor(
    config: Config,
    private readonly sessions: SessionsRepository,
    private readonly accessTokens: AccessTokensService,
    private readonly context: RequestContext,
    private readonly revocations: Revocations,
    private readonly audit: AuditPort,
    private readonly csrf: CsrfTokens,
    private readonly networks: NetworkRules,
    private readonly pending: PendingSignIns,
  ) {
    super();
    this.lifeSeconds = config.get('REFRESH_TOKEN_SECONDS');
  }

  async authenticatedAgain(userId: string, sessionId: string, amr: readonly string[]): Promise<boolean> {
    const open = await this.sessions.authenticateAgain(userId, sessionId, amr);
    if (open) this.revocations.afterCommit(signInTag(sessionId));
    return open;
  }

  async forgetFactor(userId: string): Promise<void> {
    await this.sessions.forgetFactor(userId);
  }

  async open(owner: SessionOwner, sessionId: string, how: SessionOpening): Promise<OpenedSession> {
    const kind = this.context.get('sessionKind') ?? 'bearer';
    const { token, hash } = newToken(PREFIXES[kind]);
    await this.sessions.insert({ id: sessionId, userId: owner.id, refreshHash: hash, lifeSeconds: this.lifeSeconds, kind, ...how });
    const opened = await this.sessions.lock(sessionId);
    if (!opened || opened.ended) throw new Problem('conflict', { detail: 'The way of this sign-in was shut meanwhile.', remedy: 'Sign in again.' });
    return { tokens: await this.issued(kind, owner, sessionId, token), ...restrictedAs(opened) };
  }

  refresh(refreshToken: string): Promise<RefreshedSession> {
    return this.renew(refreshToken, 'bearer');
  }

  refreshCookie(cookie: string, csrfToken: string | undefined): Promise<RefreshedSession> {
    return this.renew(cookie, 'cookie', csrfToken);
  }

  private async renew(token: string, kind: SessionKind, csrfToken?: string): Promise<RefreshedSession> {
    const hash = isWellFormedToken(token, PREFIXES[kind]) ? hashToken(token) : undefined;
    const found = hash && (await this.sessions.ofRefreshToken(hash));
    if (!found) throw invalidRefreshToken();
    if (!(await this.networks.admits(found.tenant_id, this.context.get('ip')))) return this.refuseAddress(found);
    const outcome = await this.context.within({ tenantId: found.tenant_id }, () => this.trade(found.id, { hash, kind, csrfToken }));
    // Thrown out here, because a refusal inside would undo the end of the family.
    if (outcome instanceof Problem) throw outcome;
    return outcome;
  }

  private async refuseAddress({ tenant_id, id }: { tenant_id: string; id: string }): Promise<never> {
    await this.context.within({ tenantId: tenant_id }, () => this.audit.failed({ action: 'auth.refresh', resource: { type: 'session', id }, detail: { reason: 'address_not_allowed' } }));
    throw invalidRefreshToken();
  }

  async end(userId: string, sessionId: string, reason: EndReason): Promise<boolean> {
    return (await this.ended(await this.sessions.end(userId, reason, { only: sessionId }))) > 0;
  }

  holdOpen(userId: string, sessionId: string): Promise<boolean> {
    return this.sessions.holdOpen(userId, sessionId);
  }

  async endAll(userId: string, reason: EndReason, except?: string): Promise<number> {
    await this.pending.forget(userId);
    // The one that stays may do more than before, or less.
    if (except !== undefined) this.revocations.afterCommit(signInTag(except));
    return this.ended(await this.sessions.end(userId, reason, { except: except ?? null }));
  }

  distrustedSince(userId: string, since: Date): Promise<boolean> {
    return this.sessions.distrustedSince(userId, since);
  }

  async endShut(reason: EndReason): Promise<number> {
    // All that rests on a session of the tenant is looked at again: also what was looked up while this is not committed.
    this.revocations.afterCommit(securityTag(this.context.tenantId));
    return this.sessions.endShut(reason);
  }

  async idOf(userId: string, refreshToken: string): Promise<string | undefined> {
    if (!isWellFormedToken(refreshToken, REFRESH_PREFIX)) return undefined;
    const found = await this.sessions.ofRefreshToken(hashToken(refreshToken));
    const session = found && (await this.sessions.lock(found.id));
    return session?.user_id === userId ? session.id : undefined;
  }

  /** One at a time per session: the row is locked, so of two with the same token the second finds it spent. */
  @Transactional()
  protected async trade(sessionId: string, presented: Presented): Promise<RefreshedSession | Problem> {
    const session = await this.sessions.lock(sessionId);
    if (session?.kind !== presented.kind) return invalidRefreshToken();
    if (session.kind === 'cookie' && !this.csrf.isRight(sessionId, presented.csrfToken ?? '')) return new Problem('csrf_failed');
    const spent = !session.refresh_hash.equals(presented.hash);
    // Of two tabs the second finds the cookie spent, and the new one in the browser already.
    const isSecondTab = spent && session.kind === 'cookie' && (await this.sessions.isLatelySpent(presented.hash));
    if (spent && !isSecondTab) return this.endFamily(session);
    const refusal = refusalOf(session);
    if (refusal) return refusal;
    const owner = { id: session.user_id, tenantId: this.context.tenantId, email: session.email, role: session.role };
    const restricted = restrictedAs(session);
    if (isSecondTab) return { owner, tokens: await this.issued('cookie', owner, sessionId), ...restricted };
    const { token, hash } = newToken(PREFIXES[session.kind]);
    await this.sessions.rotate(sessionId, presented.hash, hash, this.lifeSeconds);
    return { owner, tokens: await this.issued(session.kind, owner, sessionId, token), ...restricted };
  }

  /** Two hold tokens of one family, and nobody can tell which of them is the thief. */
  private async endFamily(session: LockedSession): Promise<Problem> {
    if (await this.end(session.user_id, session.id, 'refresh_reused')) {
      await this.audit.record({
        action: 'session.end',
        resource: { type: 'session', id: session.id },
        detail: { reason: 'refresh_reused', user_id: session.user_id },
      });
    }
    return new Problem('refresh_token_reused');
  }

  private async ended(ids: string[]): Promise<number> {
    if (ids.length > 0) this.revocations.afterCommit(...ids.map((id) => `session:${id}`));
    return Promise.resolve(ids.length);
  }

  private async issued(kind: SessionKind, owner: SessionOwner, sessionId: string, token?: string): Promise<IssuedTokens> {
    if (kind === 'cookie') return { kind, value: token, csrfToken: this.csrf.make(sessionId), maxAgeSeconds: this.lifeSeconds };
    const accessToken = await this.accessTokens.sign({ sub: owner.id, tid: owner.tenantId, sid: sessionId });
    return { kind, accessToken, refreshToken: token ?? '', expiresIn: this.accessTokens.lifeSeconds };
  }
}

function restrictedAs(session: LockedSession): { restricted?: Restriction } {
  const restricted = restrictionOf(session);
  return restricted ? { restricted } : {};
}

const invalidRefreshToken = (): Problem =>
  new Problem('unauthenticated', { detail: 'The refresh token is not valid.', remedy: 'Sign in again.' });

function refusalOf(session: LockedSession): Problem | undefined {
  if (session.ended) return new Problem('unauthenticated', { detail: 'The session has ended.', remedy: 'Sign in again.' });
  if (session.expired) return new Problem('token_expired', { remedy: 'Sign in again.' });
  if (session.tenant_status === 'suspended') return new Problem('tenant_suspended');
  return session.is_active ? undefined : new Problem('account_disabled');
}
