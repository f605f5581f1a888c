import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Role } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { UserAccounts } from '../users/user-accounts.port.js';
import type { UserView } from '../users/users.view.js';
import { displayName, isInDomains, roleOfGroups, type SsoClaims, verifiedEmail } from './sso-claims.js';
import { SsoIdentitiesRepository } from './sso-identities.repository.js';
import { SsoIdentitiesService } from './sso-identities.service.js';
import type { SsoProvider } from './sso-provider.entity.js';

/** The account that its owner links, and the session in which that was begun. */
export interface Link {
  userId: string;
  sessionId: string;
}

/** What an ID token is sealed for. */
export const idTokenOf = (tenantId: string, identityId: string): { tenantId: string; row: string } => ({ tenantId, row: `sso_identities/${identityId}/id_token` });

/**
 * Decides whom a subject of a provider is here: the account that is linked to issuer and subject, a new one, or nobody. An
 * e-mail address never finds an account: whoever may name addresses at a provider would have all of them.
 */
@Injectable()
export class SsoAdmission {
  constructor(
    private readonly identities: SsoIdentitiesRepository,
    private readonly links: SsoIdentitiesService,
    private readonly accounts: UserAccounts,
    private readonly cipher: TenantCipher,
    private readonly sessions: UserSessions,
  ) {}

  /** @param link what its owner links to the subject @throws Problem */
  @Transactional()
  async admit(provider: SsoProvider, claims: SsoClaims, link: Link | null): Promise<UserView> {
    if (link && !(await this.sessions.holdOpen(link.userId, link.sessionId))) throw new Problem('sso_failed', { detail: 'The session in which the link was begun has ended.' });
    if (!isInDomains(provider.allowed_domains, verifiedEmail(claims))) throw new Problem('sso_refused', { detail: 'Your e-mail address is in none of the domains that may sign in here.' });
    const role = roleOfGroups(provider, claims);
    if (role === null) throw new Problem('sso_refused', { detail: 'You are in none of the groups that may sign in here.' });
    await this.identities.hold(claims.issuer, claims.subject);
    const known = await this.identities.of(claims.issuer, claims.subject);
    if (link && known && known.user_id !== link.userId) throw new Problem('sso_identity_taken');
    const userId = known?.user_id ?? link?.userId ?? (await this.newUser(provider, claims, role)).id;
    const identity = known ?? (await this.links.add({ issuer: claims.issuer, subject: claims.subject, userId, providerId: provider.id }));
    const user = await this.accounts.get(userId);
    if (!user.is_active) throw new Problem('account_disabled');
    await this.identities.signedIn(identity.id, provider.id, await this.cipher.seal(idTokenOf(provider.tenant_id, identity.id), claims.idToken));
    return role === undefined || role === user.role || link ? user : this.accounts.giveRole(userId, role, { reason: 'sso_groups', provider_id: provider.id });
  }

  private async newUser(provider: SsoProvider, claims: SsoClaims, role: Role | undefined): Promise<UserView> {
    const email = verifiedEmail(claims);
    const given = role ?? provider.default_role;
    if (!provider.create_users || given === null) throw new Problem('sso_refused', { detail: 'There is no account that is linked to you.' });
    if (email === undefined) throw new Problem('sso_refused', { detail: 'The provider has verified no e-mail address of yours.' });
    try {
      return await this.accounts.addWithoutPassword({ email, full_name: displayName(claims, email), role: given });
    } catch (error) {
      throw error instanceof Problem && error.code === 'email_taken' ? new Problem('sso_account_exists') : error;
    }
  }
}
