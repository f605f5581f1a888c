import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import type { SessionKind } from '../../platform/auth/browsers.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { Use } from '../../platform/jobs/last-uses.js';
import { DEFAULT_POLICY } from '../access-policy/security-policies.reader.js';
import { type SessionStanding, STANDING, WAY_IS_SHUT } from './session-ways.js';

/** What a request with an access token rests on: its session, user and tenant, in one look-up. */
export interface LiveSession extends SessionStanding {
  session_id: string;
  tenant_id: string;
  user_id: string;
  email: string;
  role: Role;
  is_active: boolean;
  tenant_status: 'active' | 'suspended';
  /** Milliseconds until it ends by itself, by the database's clock. */
  remaining_ms: number;
  /** Milliseconds since the person last proved who they are, by the database's clock. */
  authenticated_ago_ms: number;
  /** Whether a second factor was shown. */
  mfa: boolean;
}

/** A session as a refresh finds it, locked. */
export interface LockedSession extends SessionStanding {
  id: string;
  user_id: string;
  email: string;
  role: Role;
  is_active: boolean;
  tenant_status: 'active' | 'suspended';
  kind: SessionKind;
  refresh_hash: Buffer;
  ended: boolean;
  expired: boolean;
  lacks_factor: boolean;
}

/** Milliseconds for which a spent cookie is still taken: requests under way carry it, and other tabs do. */
export const COOKIE_GRACE_MS = 60_000;

/** When a session ends by itself: unused, at its greatest age, or at the end of its refresh token. The policy is its tenant's. */
export const ENDS_AT = `least(s.expires_at,
  s.created_at + make_interval(secs => coalesce((p.session->>'max_age_seconds')::float8, ${DEFAULT_POLICY.session.max_age_seconds})),
  s.last_used_at + make_interval(secs => coalesce((p.session->>'idle_seconds')::float8, ${DEFAULT_POLICY.session.idle_seconds})))`;
export const WITH_POLICY = 'left join security_policies p on p.tenant_id = s.tenant_id';

/** A session that is open, with its user and tenant. */
const LIVE = (remaining: string): string =>
  `select s.id as session_id, s.tenant_id, s.user_id, u.email, u.role, u.is_active, t.status as tenant_status,
     (extract(epoch from ${remaining} - now()) * 1000)::float8 as remaining_ms,
     (extract(epoch from now() - s.authenticated_at) * 1000)::float8 as authenticated_ago_ms, 'mfa' = any(s.amr) as mfa, ${STANDING}
   from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id join tenants t on t.id = s.tenant_id ${WITH_POLICY}`;

/** Rows of `sessions` and `spent_refresh_tokens`. */
@Injectable()
export class SessionsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
  ) {}

  /** Before the tenant is known: a session that is open, with its user and tenant. */
  async live(tenantId: string, sessionId: string): Promise<LiveSession | undefined> {
    const rows = await this.database.query<LiveSession>(
      `${LIVE(ENDS_AT)} where s.tenant_id = $1 and s.id = $2 and s.ended_at is null and ${ENDS_AT} > now() and not (${WAY_IS_SHUT})`,
      [tenantId, sessionId],
    );
    return rows[0];
  }

  /** Before the tenant is known: the session that a cookie holds, or held until a moment ago. */
  async liveByCookie(hash: Buffer): Promise<LiveSession | undefined> {
    const graceEnd = `least(${ENDS_AT}, x.spent_at + interval '${COOKIE_GRACE_MS} ms')`;
    const rows = await this.database.query<LiveSession>(
      `${LIVE(ENDS_AT)} where s.refresh_hash = $1 and s.kind = 'cookie' and s.ended_at is null and ${ENDS_AT} > now() and not (${WAY_IS_SHUT})
       union all
       ${LIVE(graceEnd)} join spent_refresh_tokens x on x.tenant_id = s.tenant_id and x.session_id = s.id
       where x.refresh_hash = $1 and s.kind = 'cookie' and s.ended_at is null and ${graceEnd} > now() and not (${WAY_IS_SHUT})`,
      [hash],
    );
    return rows[0];
  }

  /** Before the tenant is known: the session of a refresh token, current or spent. */
  async ofRefreshToken(hash: Buffer): Promise<{ tenant_id: string; id: string } | undefined> {
    const rows = await this.database.query<{ tenant_id: string; id: string }>(
      `select tenant_id, id from sessions where refresh_hash = $1
       union all select tenant_id, session_id from spent_refresh_tokens where refresh_hash = $1 limit 1`,
      [hash],
    );
    return rows[0];
  }

  async insert(session: { id: string; userId: string; refreshHash: Buffer; lifeSeconds: number; kind: SessionKind; amr: readonly string[]; providerId: string | null }): Promise<void> {
    await this.sql.execute(
      `insert into sessions (tenant_id, id, user_id, refresh_hash, ip, user_agent, expires_at, kind, amr, provider_id)
       values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), $8, $9, $10)`,
      [
        this.context.tenantId,
        session.id,
        session.userId,
        session.refreshHash,
        this.context.get('ip') ?? null,
        this.context.get('userAgent') ?? null,
        session.lifeSeconds,
        session.kind,
        session.amr,
        session.providerId,
      ],
    );
  }

  lock(id: string): Promise<LockedSession | undefined> {
    return this.sql.row<LockedSession>(
      `select s.id, s.user_id, u.email, u.role, u.is_active, t.status as tenant_status, s.kind, s.refresh_hash,
         s.ended_at is not null or ${WAY_IS_SHUT} as ended, ${ENDS_AT} <= now() as expired, ${STANDING}
       from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id join tenants t on t.id = s.tenant_id ${WITH_POLICY}
       where s.tenant_id = $1 and s.id = $2 for update of s`,
      [this.context.tenantId, id],
    );
  }

  /** Puts a new refresh token in the place of the current one, which is spent from then on. */
  async rotate(id: string, spent: Buffer, next: Buffer, lifeSeconds: number): Promise<void> {
    await this.sql.execute(
      `with spent as (insert into spent_refresh_tokens (tenant_id, refresh_hash, session_id) values ($1, $3, $2))
       update sessions set refresh_hash = $4, generation = generation + 1, last_used_at = now(), expires_at = now() + make_interval(secs => $5)
       where tenant_id = $1 and id = $2`,
      [this.context.tenantId, id, spent, next, lifeSeconds],
    );
  }

  /** Whether a cookie was spent so lately that it is still taken. */
  async isLatelySpent(hash: Buffer): Promise<boolean> {
    const rows = await this.sql.rows(
      `select 1 from spent_refresh_tokens where tenant_id = $1 and refresh_hash = $2 and spent_at > now() - make_interval(secs => $3)`,
      [this.context.tenantId, hash, COOKIE_GRACE_MS / 1000],
    );
    return rows.length > 0;
  }

  /** Of all tenants at once: when their sessions were used. */
  async noteUses(uses: readonly Use[]): Promise<void> {
    await this.database.execute(
      `update sessions s set last_used_at = greatest(s.last_used_at, now() - u.ago_ms * interval '1 ms')
       from unnest($1::uuid[], $2::uuid[], $3::float8[]) as u (tenant_id, id, ago_ms)
       where s.tenant_id = u.tenant_id and s.id = u.id and s.ended_at is null`,
      [uses.map(({ tenantId }) => tenantId), uses.map(({ id }) => id), uses.map(({ agoMs }) => agoMs)],
    );
  }

  /** Notes that the person has proved again who they are, in what ways. @returns whether the session is open */
  async authenticateAgain(userId: string, id: string, amr: readonly string[]): Promise<boolean> {
    const changed = await this.sql.execute(
      `update sessions set authenticated_at = now(), amr = array(select distinct unnest(amr || $4::text[]))
       where tenant_id = $1 and user_id = $2 and id = $3 and ended_at is null`,
      [this.context.tenantId, userId, id, amr],
    );
    return changed > 0;
  }

  /** Takes away what a second factor gave to the open sessions of a user: it is off. */
  async forgetFactor(userId: string): Promise<void> {
    await this.sql.execute(
      `update sessions set amr = array_remove(array_remove(amr, 'mfa'), 'otp') where tenant_id = $1 and user_id = $2 and ended_at is null`,
      [this.context.tenantId, userId],
    );
  }

  /** Ends the open sessions of the tenant whose way is shut by now. @returns how many */
  endShut(reason: string): Promise<number> {
    return this.sql.execute(
      `update sessions set ended_at = now(), ended_reason = $2 where tenant_id = $1 and id in (
         select s.id from sessions s ${WITH_POLICY} where s.tenant_id = $1 and s.ended_at is null and ${WAY_IS_SHUT})`,
      [this.context.tenantId, reason],
    );
  }

  /** Ends open sessions of a user: one, or all but one. @returns their ids */
  async end(userId: string, reason: string, which: { only: string } | { except: string | null }): Promise<string[]> {
    const [condition, id] = 'only' in which ? ['id = $4::uuid', which.only] : ['($4::uuid is null or id <> $4::uuid)', which.except];
    const rows = await this.sql.rows<{ id: string }>(
      `update sessions set ended_at = now(), ended_reason = $3 where tenant_id = $1 and user_id = $2 and ended_at is null and ${condition} returning id`,
      [this.context.tenantId, userId, reason, id],
    );
    return rows.map((row) => row.id);
  }

  /** Whether the password was changed since, or a session was ended otherwise than by signing out of it. */
  async distrustedSince(userId: string, since: Date): Promise<boolean> {
    const rows = await this.sql.rows(
      `select 1 from users where tenant_id = $1 and id = $2 and password_changed_at > $3
       union all select 1 from sessions where tenant_id = $1 and user_id = $2 and ended_at > $3 and ended_reason <> 'logout' limit 1`,
      [this.context.tenantId, userId, since],
    );
    return rows.length > 0;
  }

  /** Keeps a session from being ended until the running transaction is over. @returns whether it is open */
  async holdOpen(userId: string, id: string): Promise<boolean> {
    const rows = await this.sql.rows('select 1 from sessions where tenant_id = $1 and user_id = $2 and id = $3 and ended_at is null and expires_at > now() for share', [this.context.tenantId, userId, id]);
    return rows.length > 0;
  }

  /** Removes what is of no more use: sessions long over, spent tokens that would have expired by now anyway, and challenges that nobody answered. */
  async removeOld(refreshLifeSeconds: number): Promise<void> {
    await this.database.execute('delete from mfa_challenges where expires_at < now()');
    await this.database.execute(`delete from sessions where expires_at < now() - interval '30 days'`);
    await this.database.execute('delete from spent_refresh_tokens where spent_at < now() - make_interval(secs => $1)', [
      refreshLifeSeconds,
    ]);
  }
}
