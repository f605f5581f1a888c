import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import type { SessionKind } from '../../platform/auth/browsers.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { PendingSignIns } from '../sessions/pending-sign-ins.port.js';

export const CHALLENGE_SECONDS = 300;
/** Wrong codes that a challenge takes. */
const MOST_ATTEMPTS = 5;

/** A sign-in that waits for its second factor, with the account as it is now. */
export interface SignInChallenge {
  tenant_id: string;
  id: string;
  user_id: string;
  email: string;
  role: Role;
  is_active: boolean;
  tenant_status: 'active' | 'suspended';
  checked: Buffer | null;
  amr: string[];
  provider_id: string | null;
  session_kind: SessionKind;
}

/** Rows of `mfa_challenges`. */
@Injectable()
export class SignInChallengesRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
    pending: PendingSignIns,
  ) {
    pending.register((userId) => this.forget(userId));
  }

  /** Adds one, and removes those of the person that have expired. */
  async insert(challenge: { id: string; userId: string; tokenHash: Buffer; checked: Buffer | null; amr: readonly string[]; providerId: string | null }): Promise<void> {
    await this.sql.execute(
      `with expired as (delete from mfa_challenges where tenant_id = $1 and user_id = $3 and expires_at <= now())
       insert into mfa_challenges (tenant_id, id, user_id, token_hash, checked, amr, session_kind, expires_at, provider_id)
       values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8), $9)`,
      [
        this.context.tenantId,
        challenge.id,
        challenge.userId,
        challenge.tokenHash,
        challenge.checked,
        challenge.amr,
        this.context.get('sessionKind') ?? 'bearer',
        CHALLENGE_SECONDS,
        challenge.providerId,
      ],
    );
  }

  /** Before the tenant is known: counts an attempt, committed before it is checked. @returns undefined when the challenge takes none */
  async attempt(tokenHash: Buffer): Promise<SignInChallenge | undefined> {
    const rows = await this.database.query<SignInChallenge>(
      `update mfa_challenges c set attempts = c.attempts + 1 from users u join tenants t on t.id = u.tenant_id
       where c.token_hash = $1 and c.attempts < $2 and c.expires_at > now() and u.tenant_id = c.tenant_id and u.id = c.user_id
       returning c.tenant_id, c.id, c.user_id, u.email, u.role, u.is_active, t.status as tenant_status, c.checked, c.amr, c.provider_id, c.session_kind`,
      [tokenHash, MOST_ATTEMPTS],
    );
    return rows[0];
  }

  private async forget(userId: string): Promise<void> {
    await this.sql.execute('delete from mfa_challenges where tenant_id = $1 and user_id = $2', [this.context.tenantId, userId]);
  }

  /** Uses a challenge up, in the transaction of the session that it opens. @returns false when it was used or has expired */
  async take(id: string): Promise<boolean> {
    const taken = await this.sql.execute('delete from mfa_challenges where tenant_id = $1 and id = $2 and expires_at > now()', [this.context.tenantId, id]);
    return taken > 0;
  }
}
