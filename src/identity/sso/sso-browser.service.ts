import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ownUserId } from '../../platform/auth/own-user.js';
import { TenantResolver } from '../../platform/auth/tenant-resolver.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { OfferedProvidersView, SsoLinkView } from './sso.view.js';
import { SsoAddresses } from './sso-addresses.js';
import { bindBrowser, browserOf, forgetBrowser } from './sso-cookie.js';
import { type Outcome, SsoFlowService } from './sso-flow.service.js';
import { SsoProvidersRepository } from './sso-providers.repository.js';

/** The browser's side of a sign-in: addresses, cookies, redirects. */
@Injectable()
export class SsoBrowserService {
  constructor(
    private readonly flows: SsoFlowService,
    private readonly addresses: SsoAddresses,
    private readonly providers: SsoProvidersRepository,
    private readonly tenants: TenantResolver,
    private readonly context: RequestContext,
  ) {}

  async offered(tenant: string): Promise<OfferedProvidersView> {
    const tenantId = await this.tenants.resolve(tenant);
    const found = tenantId === undefined ? [] : await this.providers.offered(tenantId);
    return { items: found.map(({ id, name }) => ({ id, name, start_url: `/api/v1/auth/sso/${id}/start` })) };
  }

  async start(providerId: string, returnTo: string | undefined, request: Request, response: Response): Promise<{ url: string; statusCode: number }> {
    const url = await this.begin(providerId, returnTo, false, request, response);
    return { url: url.href, statusCode: 302 };
  }

  async link(providerId: string, returnTo: string | undefined, request: Request, response: Response): Promise<SsoLinkView> {
    ownUserId(this.context);
    const url = await this.begin(providerId, returnTo, true, request, response);
    return { authorization_url: url.href };
  }

  async comeBack(request: Request): Promise<{ url: string; statusCode: number }> {
    const secure = this.addresses.isSecure(request);
    const answer = new URL(request.originalUrl, 'http://callback').searchParams;
    return { url: address(await this.flows.comeBack(answer, browserOf(request, secure))), statusCode: 303 };
  }

  secretsOf(request: Request): Buffer[] {
    return browserOf(request, this.addresses.isSecure(request));
  }

  /** Takes back the secret that has served; those of other sign-ins under way stay. */
  forget(used: Buffer, request: Request, response: Response): void {
    forgetBrowser(used, request, response, this.addresses.isSecure(request));
  }

  returnTo(request: Request, given: string | undefined): string | null {
    return this.addresses.returnTo(request, given);
  }

  private begin(providerId: string, returnTo: string | undefined, link: boolean, request: Request, response: Response): Promise<URL> {
    const secure = this.addresses.isSecure(request);
    return this.flows.begin({
      providerId,
      redirectUri: this.addresses.callback(request),
      returnTo: this.addresses.returnTo(request, returnTo),
      link,
      bind: (state) => bindBrowser(response, state, secure),
    });
  }
}

/** The hash of an address stays in the browser: neither servers nor their logs see what is in it, nor does a referrer. */
function address({ returnTo, code, problem }: Outcome): string {
  const said = problem ? `sso_error=${problem.code}` : code === undefined ? 'sso_linked=true' : `sso_code=${code}`;
  return `${returnTo ?? '/'}#${said}`;
}
