import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { ownUserId } from '../../platform/auth/own-user.js';

/** Signing out. */
@Injectable()
export class LogoutService {
  constructor(
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {}

  /** Ends the session of the access token, and that of the refresh token; a token that is none of them is no error. */
  @Transactional()
  async logout(refreshToken: string | undefined): Promise<void> {
    const userId = ownUserId(this.context);
    const { actor } = this.context;
    const named = refreshToken === undefined ? undefined : await this.sessions.idOf(userId, refreshToken);
    const ids = new Set([actor.kind === 'user' ? actor.sessionId : undefined, named]);
    for (const id of ids) {
      if (id === undefined || !(await this.sessions.end(userId, id, 'logout'))) continue;
      await this.audit.record({ action: 'auth.logout', resource: { type: 'session', id } });
    }
  }
}
