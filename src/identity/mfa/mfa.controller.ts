import { Body, Get, Post } from '@nestjs/common';
import { ApiController, NO_CONTENT, Operation } from '../../platform/http/operation.decorator.js';
import { DisableMfaDto, VerifyMfaDto } from './mfa.dto.js';
import { MfaService } from './mfa.service.js';
import { MfaSetupView, MfaStatusView, RecoveryCodesView } from './mfa.view.js';

@ApiController('auth/mfa', 'Identity / Second factor')
export class MfaController {
  constructor(private readonly mfa: MfaService) {}

  /** Says whether the own account has a second factor, and whether it has to. */
  @Get()
  @Operation({ id: 'getMfa', allow: 'profile:read', returns: MfaStatusView, whileRestricted: ['mfa_setup'] })
  status(): Promise<MfaStatusView> {
    return this.mfa.status();
  }

  /**
   * Makes the secret of a new authenticator and shows it, once. Nothing changes until /auth/mfa/verify gets its first
   * code, within 15 minutes. It takes a sign-in within the last five.
   */
  @Post('setup')
  @Operation({
    id: 'setUpMfa',
    allow: 'profile:write',
    returns: MfaSetupView,
    problems: ['fresh_sign_in_required', 'mfa_enabled'],
    idempotency: 'outside',
    whileRestricted: ['mfa_setup'],
  })
  setup(): Promise<MfaSetupView> {
    return this.mfa.setup();
  }

  /**
   * Turns the second factor on with the first code of the authenticator. It answers ten recovery codes, which are shown
   * this once and work once each, and ends all other sessions of the account.
   */
  @Post('verify')
  @Operation({
    id: 'verifyMfa',
    allow: 'profile:write',
    returns: RecoveryCodesView,
    problems: ['mfa_code_invalid', 'mfa_enabled', 'mfa_not_enabled'],
    rateLimit: 'mfa',
    idempotency: 'outside',
    whileRestricted: ['mfa_setup'],
  })
  async verify(@Body() body: VerifyMfaDto): Promise<RecoveryCodesView> {
    return { recovery_codes: await this.mfa.verify(body.code) };
  }

  /** Makes ten new recovery codes; the old ones end. It takes a sign-in within the last five minutes. */
  @Post('recovery-codes')
  @Operation({
    id: 'renewRecoveryCodes',
    allow: 'profile:write',
    returns: RecoveryCodesView,
    problems: ['fresh_sign_in_required', 'mfa_not_enabled'],
  })
  async renewRecoveryCodes(): Promise<RecoveryCodesView> {
    return { recovery_codes: await this.mfa.renewRecoveryCodes() };
  }

  /** Turns the second factor off. It takes the password and a code, or a recovery code. */
  @Post('disable')
  @Operation({
    id: 'disableMfa',
    allow: 'profile:write',
    returns: NO_CONTENT,
    problems: ['invalid_credentials', 'mfa_code_invalid', 'mfa_codes_exhausted', 'mfa_not_enabled', 'sso_only'],
    rateLimit: 'mfa',
    idempotency: 'outside',
  })
  async disable(@Body() body: DisableMfaDto): Promise<void> {
    await this.mfa.disable(body);
  }
}
