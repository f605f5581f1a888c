import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { UserActor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Passwords } from '../../platform/crypto/passwords.js';
import { EVERYWHERE, SignInAttempts } from '../sessions/sign-in-attempts.port.js';
import { OwnPassword } from './own-password.port.js';
import { UsersRepository } from './users.repository.js';

/** Checks the password of the person who calls. */
@Injectable()
export class OwnPasswordService extends OwnPassword {
  constructor(
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
    private readonly attempts: SignInAttempts,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  async check({ id, tenantId }: UserActor, password: string, action: string): Promise<string> {
    await this.attempts.admit(`password:${id}`, EVERYWHERE, tenantId);
    const stored = await this.read(id);
    // Where there is none, none can be right: the provider decides who signs in, and how.
    if (stored === null) throw new Problem('sso_only');
    if (!(await this.passwords.verify(stored, password))) {
      await this.audit.failed({ action, resource: { type: 'user', id } });
      throw new Problem('invalid_credentials', { detail: 'The current password is wrong.' });
    }
    await this.attempts.clear(`password:${id}`, EVERYWHERE);
    return stored;
  }

  @Transactional()
  protected read(id: string): Promise<string | null> {
    return this.users.passwordHash(id);
  }
}
