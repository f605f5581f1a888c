import { Body, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Browsers } from '../../platform/auth/browsers.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApiController, eitherOf, NO_CONTENT, Operation } from '../../platform/http/operation.decorator.js';
import { UserView } from '../users/users.view.js';
import { ChallengeDto, LoginDto, LogoutDto, ReauthenticateDto, RefreshDto, RegisterDto } from './auth.dto.js';
import { answerFirstFactor, answerSignIn, MfaRequiredView, TokensView } from './auth.view.js';
import { LogoutService } from './logout.service.js';
import { ReauthenticationService } from './reauthentication.service.js';
import { RegistrationService } from './registration.service.js';
import { SignInChallengeService } from './sign-in-challenge.service.js';
import { SignInService } from './sign-in.service.js';

@ApiController('auth', 'Identity / Sign-in')
export class AuthController {
  constructor(
    private readonly signIn: SignInService,
    private readonly registration: RegistrationService,
    private readonly challenges: SignInChallengeService,
    private readonly again: ReauthenticationService,
    private readonly out: LogoutService,
    private readonly browsers: Browsers,
    private readonly context: RequestContext,
  ) {}

  /**
   * Signs in with a password. An account with a second factor gets a challenge, which /auth/mfa/challenge ends. After ten failures in a row each further attempt has to wait, up to a minute; the operator
   * may choose other numbers. A page in a browser asks for `session: "cookie"`: the session is then held by the cookie
   * `__Host-wheelhouse` (`wheelhouse` over plain HTTP on the own machine), which scripts cannot read, and every request
   * that is no GET has to carry `csrf_token` as `x-csrf-token`.
   */
  @Post('login')
  @Operation({
    id: 'login',
    allow: 'public',
    returns: eitherOf(TokensView, MfaRequiredView),
    problems: ['invalid_credentials', 'account_disabled', 'tenant_suspended', 'sso_required', 'csrf_failed', 'conflict'],
    rateLimit: 'login',
    audited: true,
    idempotency: 'outside',
  })
  async login(@Body() body: LoginDto, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<TokensView | MfaRequiredView> {
    this.context.set('sessionKind', this.browsers.sessionKindFor(request, body.session));
    return answerFirstFactor(this.browsers, response, await this.signIn.login(body.email, body.password));
  }

  /**
   * Ends a sign-in with the second factor: a code of the authenticator, or a recovery code. A challenge lives five minutes,
   * works once and takes five wrong codes; a code works once.
   */
  @Post('mfa/challenge')
  @Operation({
    id: 'answerMfaChallenge',
    allow: 'public',
    returns: TokensView,
    problems: ['mfa_challenge_invalid', 'mfa_code_invalid', 'mfa_codes_exhausted', 'invalid_credentials', 'account_disabled', 'tenant_suspended', 'csrf_failed', 'conflict'],
    rateLimit: 'mfa',
    audited: true,
    idempotency: 'outside',
  })
  async challenge(@Body() { challenge_token, ...answer }: ChallengeDto, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<TokensView> {
    return answerSignIn(this.browsers, response, await this.challenges.answer(challenge_token, answer, (kind) => this.browsers.sessionKindFor(request, kind)));
  }

  /**
   * Proves again who one is, in the session that is open, for operations that take a sign-in within the last minutes. An
   * account with a second factor gives a code, all others the password.
   */
  @Post('reauthenticate')
  @Operation({
    id: 'reauthenticate',
    allow: 'profile:write',
    returns: NO_CONTENT,
    problems: ['invalid_credentials', 'mfa_code_invalid', 'mfa_codes_exhausted', 'sso_only'],
    rateLimit: 'mfa',
    idempotency: 'outside',
    whileRestricted: ['mfa_setup'],
  })
  async reauthenticate(@Body() body: ReauthenticateDto): Promise<void> {
    await this.again.reauthenticate(body);
  }

  /** Makes an account of one's own: a user of the default tenant. Can be switched off. */
  @Post('register')
  @Operation({
    id: 'register',
    allow: 'public',
    returns: UserView,
    status: 201,
    problems: ['registration_disabled', 'address_not_allowed', 'email_taken', 'weak_password', 'plan_limit_reached'],
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
   * With the session cookie in the place of a token (and `x-csrf-token`) the cookie is renewed, and no token is shown.
   */
  @Post('refresh')
  @Operation({
    id: 'refreshTokens',
    allow: 'public',
    returns: TokensView,
    problems: ['unauthenticated', 'refresh_token_reused', 'token_expired', 'account_disabled', 'tenant_suspended', 'csrf_failed'],
    rateLimit: 'refresh',
    idempotency: 'outside',
  })
  async refresh(@Req() request: Request, @Res({ passthrough: true }) response: Response, @Body() body?: RefreshDto): Promise<TokensView> {
    const refreshed = await this.signIn.refresh(body?.refresh_token ?? this.browsers.renewalOf(request));
    return answerSignIn(this.browsers, response, refreshed);
  }

  /** Signs out. The session ends in every process before the answer is sent; the cookie of a browser is taken away. */
  @Post('logout')
  @Operation({ id: 'logout', allow: 'profile:write', returns: NO_CONTENT, whileRestricted: ['mfa_setup', 'password_expired'] })
  async logout(@Res({ passthrough: true }) response: Response, @Body() body?: LogoutDto): Promise<void> {
    await this.out.logout(body?.refresh_token);
    this.browsers.clearCookies(response);
  }
}
