import { Body, Get, Put } from '@nestjs/common';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { UpdatePasswordPolicyDto, UpdateSecurityDto } from './access-policy.dto.js';
import { AccessPolicyService } from './access-policy.service.js';
import { PasswordPolicyView, SecurityView, toPasswordPolicyView, toSecurityView } from './access-policy.view.js';

@ApiController('security', 'Identity / Security')
export class AccessPolicyController {
  constructor(private readonly policy: AccessPolicyService) {}

  /** Reads the security policy of the tenant. */
  @Get()
  @Operation({ id: 'getSecurity', allow: 'security:read', returns: SecurityView })
  async get(): Promise<SecurityView> {
    return toSecurityView(await this.policy.get());
  }

  /**
   * Changes the security policy of the tenant. It holds at once, in every process, for sessions that are open too: where
   * single sign-on is enforced, those that a password opened end, but for the break-glass account's.
   */
  @Put()
  @Operation({ id: 'updateSecurity', allow: 'security:write', returns: SecurityView, problems: ['fresh_sign_in_required', 'precondition_failed'] })
  async update(@Body() body: UpdateSecurityDto): Promise<SecurityView> {
    return toSecurityView(await this.policy.update('security.update', body));
  }

  /** Reads what new passwords are held against. */
  @Get('password-policy')
  @Operation({ id: 'getPasswordPolicy', allow: 'security:read', returns: PasswordPolicyView })
  async getPasswordPolicy(): Promise<PasswordPolicyView> {
    return toPasswordPolicyView(await this.policy.get());
  }

  /**
   * Changes what new passwords are held against. Passwords that people have already stay good until `max_age_days`, if it is
   * given: from then on a session that was opened with one can do nothing but change it.
   */
  @Put('password-policy')
  @Operation({ id: 'updatePasswordPolicy', allow: 'security:write', returns: PasswordPolicyView, problems: ['fresh_sign_in_required', 'precondition_failed'] })
  async updatePasswordPolicy(@Body() body: UpdatePasswordPolicyDto): Promise<PasswordPolicyView> {
    return toPasswordPolicyView(await this.policy.update('security.update_password_policy', { password: body }));
  }
}
