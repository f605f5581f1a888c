import { Injectable, Logger } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { ownUserId } from '../../platform/auth/own-user.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { idTokenOf } from './sso-admission.service.js';
import { SsoClient } from './sso-client.js';
import { SsoIdentitiesRepository } from './sso-identities.repository.js';
import type { SsoProvider } from './sso-provider.entity.js';
import { SsoProvidersRepository } from './sso-providers.repository.js';

interface Left {
  provider: SsoProvider;
  idToken: string | undefined;
}

/** Signing out here and at the provider (OpenID Connect RP-Initiated Logout 1.0). */
@Injectable()
export class SsoSignOutService {
  private readonly logger = new Logger(SsoSignOutService.name);

  constructor(
    private readonly identities: SsoIdentitiesRepository,
    private readonly providers: SsoProvidersRepository,
    private readonly sessions: UserSessions,
    private readonly client: SsoClient,
    private readonly cipher: TenantCipher,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {}

  /** The session ends whether or not the provider can be asked. @returns where the browser signs out of the provider */
  async signOut(returnTo: string | null): Promise<string | null> {
    const left = await this.endSession(ownUserId(this.context));
    if (!left) return null;
    try {
      return (await this.client.endSessionUrl(left.provider, left.idToken, returnTo ?? undefined))?.href ?? null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.logger.warn(`A provider could not be asked for its sign-out page: ${error.code}`);
      return null;
    }
  }

  @Transactional()
  protected async endSession(userId: string): Promise<Left | undefined> {
    const { actor } = this.context;
    if (actor.kind !== 'user') throw new Problem('forbidden', { detail: 'Only the person, with a session, signs out.' });
    if (await this.sessions.end(userId, actor.sessionId, 'logout')) await this.audit.record({ action: 'auth.logout', resource: { type: 'session', id: actor.sessionId } });
    const identity = await this.identities.latestOf(userId);
    const provider = identity?.provider_id ? await this.providers.find(identity.provider_id) : undefined;
    if (!identity || !provider) return undefined;
    const sealed = identity.id_token;
    return { provider, idToken: sealed === null ? undefined : await this.cipher.open(idTokenOf(identity.tenant_id, identity.id), sealed) };
  }
}
