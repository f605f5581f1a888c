import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { UserAccounts } from '../users/user-accounts.port.js';
import type { CreateSsoIdentityDto } from './sso-identities.dto.js';
import { SsoIdentitiesRepository } from './sso-identities.repository.js';
import type { SsoIdentity } from './sso-identity.entity.js';
import { SsoProvidersRepository } from './sso-providers.repository.js';

/** Whom the subjects of providers are: what administrators see and say of it. */
@Injectable()
export class SsoIdentitiesService {
  constructor(
    private readonly identities: SsoIdentitiesRepository,
    private readonly providers: SsoProvidersRepository,
    private readonly accounts: UserAccounts,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
  ) {}

  @Transactional()
  page(userId: string | undefined, page: PageRequest): Promise<Page<SsoIdentity>> {
    return this.identities.page(userId, page);
  }

  @Transactional()
  async get(id: string): Promise<SsoIdentity> {
    return found(await this.identities.lock(id));
  }

  @Transactional()
  async link({ user_id, provider_id, subject }: CreateSsoIdentityDto): Promise<SsoIdentity> {
    requireFreshAuthority(this.context);
    const provider = await this.providers.find(provider_id);
    if (!provider) throw notFound('provider');
    const user = await this.accounts.get(user_id);
    return this.add({ issuer: provider.issuer, subject, userId: user.id, providerId: provider.id });
  }

  /** In the running transaction. @throws Problem `sso_identity_taken` */
  async add(link: { issuer: string; subject: string; userId: string; providerId: string }): Promise<SsoIdentity> {
    await this.identities.hold(link.issuer, link.subject);
    if (await this.identities.of(link.issuer, link.subject)) throw new Problem('sso_identity_taken');
    const identity = await this.identities.insert({ ...link, id: newId() });
    await this.audit.record({
      action: 'sso-identity.create',
      resource: { type: 'sso-identity', id: identity.id },
      after: { issuer: link.issuer, subject: link.subject, user_id: link.userId },
    });
    return identity;
  }

  /** From the commit on nobody is that subject: neither a sign-in nor a token of the issuer is taken for the account. */
  @Transactional()
  async unlink(id: string): Promise<void> {
    const identity = found(await this.identities.lock(id));
    checkIfMatch(this.context.get('ifMatch'), identity);
    await this.identities.remove(id);
    const { issuer, subject, user_id } = identity;
    await this.audit.record({ action: 'sso-identity.delete', resource: { type: 'sso-identity', id }, before: { issuer, subject, user_id } });
    this.revocations.afterCommit(`user:${user_id}`);
  }
}

function found(identity: SsoIdentity | undefined): SsoIdentity {
  if (!identity) throw notFound('identity');
  return identity;
}
