import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { networkOf } from '../../platform/networks/ip-ranges.js';

/** An account as a sign-in finds it. */
export interface SignInAccount {
  tenant_id: string;
  id: string;
  email: string;
  role: Role;
  password_hash: string | null;
  is_active: boolean;
  tenant_status: 'active' | 'suspended';
  /** Whether the account was signed in to from this network before. */
  known_network: boolean;
}

/** Finds accounts by their address, before the tenant is known. */
@Injectable()
export class SignInRepository {
  constructor(private readonly database: SystemDatabase) {}

  /** One statement, so that an account that exists takes no longer than one that does not. */
  async accountOf(email: string, ip: string | undefined): Promise<SignInAccount | undefined> {
    const rows = await this.database.query<SignInAccount>(
      `select u.tenant_id, u.id, u.email, u.role, u.password_hash, u.is_active, t.status as tenant_status,
         exists (select from sessions s where s.tenant_id = u.tenant_id and s.user_id = u.id and s.ip <<= any($2::inet[])) as known_network
       from users u join tenants t on t.id = u.tenant_id where lower(u.email) = lower($1)`,
      [email, ip === undefined ? [] : [ip, networkOf(ip)]],
    );
    return rows[0];
  }
}
