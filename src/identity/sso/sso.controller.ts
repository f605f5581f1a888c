import { Body, Get, Param, Post, Query, Redirect, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Browsers } from '../../platform/auth/browsers.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApiController, eitherOf, Operation, REDIRECT } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { answerFirstFactor, MfaRequiredView, TokensView } from '../auth/auth.view.js';
import { ExchangeSsoCodeDto, LinkSsoDto, LogoutSsoDto, OfferedProvidersQuery, StartSsoQuery } from './sso.dto.js';
import { OfferedProvidersView, SsoLinkView, SsoLogoutView } from './sso.view.js';
import { SsoBrowserService } from './sso-browser.service.js';
import { SsoSignInService } from './sso-sign-in.service.js';
import { SsoSignOutService } from './sso-sign-out.service.js';

/** Where Nest's redirect sends the browser. */
interface Elsewhere {
  url: string;
  statusCode: number;
}

@ApiController('auth/sso', 'Identity / Single sign-on')
export class SsoController {
  constructor(
    private readonly browser: SsoBrowserService,
    private readonly signIn: SsoSignInService,
    private readonly signOut: SsoSignOutService,
    private readonly browsers: Browsers,
    private readonly context: RequestContext,
  ) {}

  /** Lists what a sign-in page offers: the providers of a tenant that are in use. Empty for a tenant that there is not. */
  @Get('providers')
  @Operation({ id: 'listOfferedSsoProviders', allow: 'public', returns: OfferedProvidersView, rateLimit: 'sso' })
  offered(@Query() { tenant }: OfferedProvidersQuery): Promise<OfferedProvidersView> {
    return this.browser.offered(tenant);
  }

  /**
   * Sends the browser to the provider to sign in, with PKCE, a state and a nonce. A cookie binds the sign-in to this browser;
   * it is good for ten minutes.
   */
  @Get(':provider_id/start')
  @Redirect()
  @Operation({ id: 'startSso', allow: 'public', returns: REDIRECT, status: 302, problems: ['not_found', 'sso_failed', 'egress_failed', 'egress_refused', 'circuit_open'], rateLimit: 'sso' })
  start(@Param('provider_id', Uuid) id: string, @Query() query: StartSsoQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Elsewhere> {
    return this.browser.start(id, query.return_to, request, response);
  }

  /**
   * Where the provider sends the browser back to. Goes on to `return_to` with a code in the address's hash, which no server
   * sees: trade it at /auth/sso/exchange. What went wrong is there as `sso_error`, or is answered when no `return_to` was given.
   */
  @Get('callback')
  @Redirect()
  @Operation({
    id: 'finishSso',
    allow: 'public',
    returns: REDIRECT,
    status: 303,
    problems: ['sso_failed', 'sso_refused', 'sso_account_exists', 'sso_identity_taken', 'account_disabled', 'egress_failed', 'egress_refused', 'circuit_open'],
    rateLimit: 'sso',
    audited: true,
  })
  callback(@Req() request: Request): Promise<Elsewhere> {
    return this.browser.comeBack(request);
  }

  /** Trades the code of a sign-in for what a sign-in with a password gives. Once, within a minute, from the browser that began. */
  @Post('exchange')
  @Operation({
    id: 'exchangeSsoCode',
    allow: 'public',
    returns: eitherOf(TokensView, MfaRequiredView),
    problems: ['sso_failed', 'account_disabled', 'tenant_suspended', 'csrf_failed'],
    rateLimit: 'sso',
    audited: true,
    idempotency: 'outside',
  })
  async exchange(@Body() body: ExchangeSsoCodeDto, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<TokensView | MfaRequiredView> {
    this.context.set('sessionKind', this.browsers.sessionKindFor(request, body.session));
    const { used, outcome } = await this.signIn.exchange(body.code, this.browser.secretsOf(request));
    this.browser.forget(used, request, response);
    return answerFirstFactor(this.browsers, response, outcome);
  }

  /** Begins to link a provider to the own account: go on at `authorization_url` in the same browser. It takes a sign-in within the last five minutes. */
  @Post(':provider_id/link')
  @Operation({ id: 'linkSso', allow: 'profile:write', returns: SsoLinkView, problems: ['fresh_sign_in_required', 'not_found', 'sso_failed', 'egress_failed', 'egress_refused', 'circuit_open'], idempotency: 'outside' })
  link(@Param('provider_id', Uuid) id: string, @Body() body: LinkSsoDto, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<SsoLinkView> {
    return this.browser.link(id, body.return_to, request, response);
  }

  /**
   * Signs out here and says where to sign out of the provider. The session ends in every process, at once; the cookie of a
   * browser is taken away.
   */
  @Post('logout')
  @Operation({ id: 'logoutSso', allow: 'profile:write', returns: SsoLogoutView, idempotency: 'outside', whileRestricted: ['mfa_setup', 'password_expired'] })
  async logout(@Body() body: LogoutSsoDto, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<SsoLogoutView> {
    const logoutUrl = await this.signOut.signOut(this.browser.returnTo(request, body.return_to));
    this.browsers.clearCookies(response);
    return { logout_url: logoutUrl };
  }
}
