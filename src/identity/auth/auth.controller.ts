import { Body, Post } from '@nestjs/common';
import { ApiController, NO_CONTENT, Operation } from '../../platform/http/operation.decorator.js';
import { UserView } from '../users/users.view.js';
import { LoginDto, LogoutDto, RefreshDto, RegisterDto } from './auth.dto.js';
import { TokensView, toTokensView } from './auth.view.js';
import { LogoutService } from './logout.service.js';
import { RegistrationService } from './registration.service.js';
import { SignInService } from './sign-in.service.js';

@ApiController('auth', 'Identity / Sign-in')
export class AuthController {
  constructor(
    private readonly signIn: SignInService,
    private readonly registration: RegistrationService,
    private readonly out: LogoutService,
  ) {}

  /** Signs in with a password. After ten failures in a row each further attempt has to wait, up to a minute. */
  @Post('login')
  @Operation({
    id: 'login',
    allow: 'public',
    returns: TokensView,
    problems: ['invalid_credentials', 'account_disabled', 'tenant_suspended'],
    rateLimit: 'login',
    audited: true,
    idempotency: 'outside',
  })
  async login(@Body() body: LoginDto): Promise<TokensView> {
    return toTokensView(await this.signIn.login(body.email, body.password));
  }

  /** Makes an account of one's own: a user of the default tenant. Can be switched off. */
  @Post('register')
  @Operation({
    id: 'register',
    allow: 'public',
    returns: UserView,
    status: 201,
    problems: ['registration_disabled', 'email_taken', 'weak_password'],
    rateLimit: 'register',
    audited: true,
    idempotency: 'outside',
  })
  register(@Body() body: RegisterDto): Promise<UserView> {
    return this.registration.register(body);
  }

  /**
   * Trades a refresh token for new tokens. Each works once: of several requests with one token a single one wins, and all
   * others end the session, its new tokens included. Send an Idempotency-Key to repeat a request whose answer was lost.
   */
  @Post('refresh')
  @Operation({
    id: 'refreshTokens',
    allow: 'public',
    returns: TokensView,
    problems: ['unauthenticated', 'refresh_token_reused', 'token_expired', 'account_disabled', 'tenant_suspended'],
    rateLimit: 'refresh',
    idempotency: 'outside',
  })
  async refresh(@Body() body: RefreshDto): Promise<TokensView> {
    return toTokensView(await this.signIn.refresh(body.refresh_token));
  }

  /** Signs out. The session ends in every process before the answer is sent. */
  @Post('logout')
  @Operation({ id: 'logout', allow: 'profile:write', returns: NO_CONTENT })
  async logout(@Body() body?: LogoutDto): Promise<void> {
    await this.out.logout(body?.refresh_token);
  }
}
