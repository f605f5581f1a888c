import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { AfterSso } from '../access-policy/security-policies.reader.js';
import { DEFAULTED_AFTER_SSO } from '../sessions/missing-factor.port.js';

/** Who a subject of the configured issuer is. */
export interface KnownSubject {
  user_id: string;
  tenant_id: string;
  email: string;
  role: Role;
  is_active: boolean;
  tenant_status: 'active' | 'suspended';
  /** Whether the person has a second factor, or must have one. */
  asks_factor: boolean;
  after_sso: AfterSso;
}

/** Finds people by issuer and subject, before a request has a tenant: in one tenant, which a setting names. */
@Injectable()
export class SubjectsRepository {
  constructor(private readonly database: SystemDatabase) {}

  async of(tenantSlug: string, issuer: string, subject: string): Promise<KnownSubject | undefined> {
    const rows = await this.database.query<KnownSubject>(
      `select u.id as user_id, u.tenant_id, u.email, u.role, u.is_active, t.status as tenant_status,
         coalesce(p.mfa->'required_roles' ? u.role, false) or exists (select from user_mfa f where f.tenant_id = u.tenant_id and f.user_id = u.id and f.enabled_at is not null) as asks_factor,
         ${DEFAULTED_AFTER_SSO} as after_sso
       from tenants t join sso_identities i on i.tenant_id = t.id join users u on u.tenant_id = i.tenant_id and u.id = i.user_id
         left join security_policies p on p.tenant_id = t.id
       where t.slug = $1 and i.issuer = $2 and i.subject = $3`,
      [tenantSlug, issuer, subject],
    );
    return rows[0];
  }
}
