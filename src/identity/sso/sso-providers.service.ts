import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import type { SsoProvider } from './sso-provider.entity.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import type { CreateSsoProviderDto, UpdateSsoProviderDto } from './sso-providers.dto.js';
import { type ProviderFields, SsoProvidersRepository } from './sso-providers.repository.js';
import { auditedProvider } from './sso-providers.view.js';

/** What a sealed secret belongs to: it opens in this row alone. */
export const secretOf = ({ tenant_id, id }: Pick<SsoProvider, 'tenant_id' | 'id'>): { tenantId: string; row: string } => ({
  tenantId: tenant_id,
  row: `sso_providers/${id}/client_secret`,
});

/** What administrators do with the providers of a tenant. */
@Injectable()
export class SsoProvidersService {
  constructor(
    private readonly providers: SsoProvidersRepository,
    private readonly cipher: TenantCipher,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly sessions: UserSessions,
  ) {}

  @Transactional()
  page(page: PageRequest): Promise<Page<SsoProvider>> {
    return this.providers.page(page);
  }

  @Transactional()
  async get(id: string): Promise<SsoProvider> {
    return found(await this.providers.find(id));
  }

  @Transactional()
  async create({ client_secret, ...body }: CreateSsoProviderDto): Promise<SsoProvider> {
    requireFreshAuthority(this.context);
    const id = newId();
    const fields: ProviderFields = {
      name: body.name,
      issuer: body.issuer,
      client_id: body.client_id,
      client_secret: await this.sealed(id, client_secret ?? null),
      scopes: withOpenid(body.scopes ?? ['email', 'profile']),
      signing_algorithm: body.signing_algorithm ?? 'RS256',
      is_active: body.is_active ?? true,
      create_users: body.create_users ?? false,
      allowed_domains: body.allowed_domains ?? [],
      group_claim: body.group_claim ?? null,
      role_mappings: body.role_mappings ?? [],
      default_role: body.default_role === undefined ? 'user' : body.default_role,
    };
    check(fields);
    const provider = await this.providers.insert(id, fields);
    await this.audit.record({ action: 'sso-provider.create', resource: { type: 'sso-provider', id }, after: auditedProvider(provider) });
    return provider;
  }

  @Transactional()
  async update(id: string, { client_secret, ...change }: UpdateSsoProviderDto): Promise<SsoProvider> {
    const before = found(await this.providers.lock(id));
    checkIfMatch(this.context.get('ifMatch'), before);
    requireFreshAuthority(this.context);
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    const fields: ProviderFields = { ...before, ...given, client_secret: client_secret === undefined ? before.client_secret : await this.sealed(id, client_secret) };
    fields.scopes = withOpenid(fields.scopes);
    check(fields);
    const after = await this.providers.update(id, fields);
    const ended = before.is_active && !after.is_active ? await this.sessions.endShut('sso_provider_off') : 0;
    await this.audit.record({
      action: 'sso-provider.update',
      resource: { type: 'sso-provider', id },
      before: auditedProvider(before),
      after: auditedProvider(after),
      detail: { client_secret_changed: client_secret !== undefined, sessions_ended: ended },
    });
    return after;
  }

  @Transactional()
  async remove(id: string): Promise<void> {
    const before = found(await this.providers.lock(id));
    checkIfMatch(this.context.get('ifMatch'), before);
    await this.providers.remove(id);
    const ended = await this.sessions.endShut('sso_provider_off');
    await this.audit.record({ action: 'sso-provider.delete', resource: { type: 'sso-provider', id }, before: auditedProvider(before), detail: { sessions_ended: ended } });
  }

  private async sealed(id: string, secret: string | null): Promise<Buffer | null> {
    return secret === null ? null : this.cipher.seal(secretOf({ tenant_id: this.context.tenantId, id }), secret);
  }
}

const withOpenid = (scopes: readonly string[]): string[] => ['openid', ...scopes.filter((scope) => scope !== 'openid')];

/** A public provider has everybody's accounts: who makes accounts from it says whose. */
function check({ create_users, allowed_domains, issuer }: ProviderFields): void {
  if (!URL.canParse(issuer)) throw invalidField('issuer', 'url', 'is not an address');
  if (create_users && allowed_domains.length === 0) throw invalidField('allowed_domains', 'required', 'must name a domain when create_users is on');
}

function found(provider: SsoProvider | undefined): SsoProvider {
  if (!provider) throw notFound('provider');
  return provider;
}
