import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { randomBytes } from 'node:crypto';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshSignIn } from '../../platform/auth/fresh-sign-in.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { ownPerson } from '../../platform/auth/own-user.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, newToken } from '../../platform/crypto/tokens.js';
import { FLOW_SECONDS } from './sso-cookie.js';
import { type Link, SsoAdmission } from './sso-admission.service.js';
import { SsoClient } from './sso-client.js';
import { type SsoFlow, SsoFlowsRepository } from './sso-flows.repository.js';
import type { SsoProvider } from './sso-provider.entity.js';
import { SsoProvidersRepository } from './sso-providers.repository.js';

export const CODE_PREFIX = 'who_';
/** Long enough for a page to load, too short to be of use in a log. */
export const CODE_SECONDS = 60;

/** What a sign-in begins with. */
export interface Beginning {
  providerId: string;
  redirectUri: string;
  returnTo: string | null;
  /** Whether it is the caller's own account that is to be linked, and no sign-in. */
  link: boolean;
  /** Gives the browser its secret, by the state. @returns the hash of the secret */
  bind: (state: string) => Buffer;
}

/** How a sign-in came back: a code, or why there is none; and where the browser goes with it. */
export interface Outcome {
  returnTo: string | null;
  code?: string;
  problem?: Problem;
}

/** The way to the provider and back: PKCE, a state and a nonce, all of them bound to the browser that began. */
@Injectable()
export class SsoFlowService {
  constructor(
    private readonly providers: SsoProvidersRepository,
    private readonly flows: SsoFlowsRepository,
    private readonly client: SsoClient,
    private readonly admission: SsoAdmission,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly networks: NetworkRules,
  ) {}

  /** @returns the provider's page */
  async begin({ providerId, redirectUri, returnTo, link, bind }: Beginning): Promise<URL> {
    const provider = await this.providers.usable(providerId);
    const mayLink = !link || provider?.tenant_id === this.context.tenantId;
    if (!provider || !mayLink) throw notFound('provider');
    // What is linked is another way into the account.
    const person = link ? ownPerson(this.context) : undefined;
    if (person) requireFreshSignIn(this.context);
    const [state, nonce, codeVerifier] = [secret(), secret(), secret()];
    const url = await this.client.authorizationUrl(provider, { state, nonce, codeVerifier, redirectUri });
    await this.context.within({ tenantId: provider.tenant_id }, () =>
      this.keep({
        state_hash: hashToken(state),
        browser_hash: bind(state),
        provider_id: provider.id,
        nonce,
        code_verifier: codeVerifier,
        redirect_uri: redirectUri,
        return_to: returnTo,
        link_user_id: person?.id ?? null,
        link_session_id: person?.sessionId ?? null,
        seconds: FLOW_SECONDS,
      }),
    );
    return url;
  }

  /** Takes the provider's answer, once, from the browser that began. @throws Problem `sso_failed` for any other */
  async comeBack(answer: URLSearchParams, browsers: readonly Buffer[]): Promise<Outcome> {
    const state = answer.get('state') ?? '';
    const flow = await this.flows.takeFlow(hashToken(state), browsers);
    if (!flow) throw new Problem('sso_failed', { detail: 'This sign-in was not begun in this browser, or it has ended.' });
    const here = await this.networks.admits(flow.tenant_id, this.context.get('ip'));
    try {
      // Told as an answer that does not fit; the row says why.
      if (!here) throw new Problem('sso_failed');
      const code = await this.finish(flow, state, answer);
      return { returnTo: flow.return_to, ...(code === undefined ? {} : { code }) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await this.context.within({ tenantId: flow.tenant_id }, () => this.audit.failed({ action: 'auth.sso', resource: { type: 'sso-provider', id: flow.provider_id }, detail: { reason: here ? error.code : 'address_not_allowed' } }));
      if (flow.return_to === null) throw error;
      return { returnTo: flow.return_to, problem: error };
    }
  }

  private async finish(flow: SsoFlow, state: string, answer: URLSearchParams): Promise<string | undefined> {
    const provider = await this.providers.usable(flow.provider_id);
    if (!provider) throw new Problem('sso_failed', { detail: 'This provider is not in use any more.' });
    if (answer.has('error')) throw new Problem('sso_failed', { detail: 'The provider refused the sign-in.' });
    const claims = await this.client.claimsOf(provider, answer, { state, nonce: flow.nonce, codeVerifier: flow.code_verifier, redirectUri: flow.redirect_uri });
    const user = await this.context.within({ tenantId: flow.tenant_id }, () => this.admission.admit(provider, claims, linkOf(flow)));
    if (flow.link_user_id !== null) return undefined;
    return this.context.within({ tenantId: flow.tenant_id }, () => this.codeFor(provider, flow, user.id, claims.amr));
  }

  @Transactional()
  protected async keep(flow: Parameters<SsoFlowsRepository['insertFlow']>[0]): Promise<void> {
    await this.flows.insertFlow(flow);
  }

  @Transactional()
  protected async codeFor(provider: SsoProvider, flow: SsoFlow, userId: string, amr: string[]): Promise<string> {
    const { token, hash } = newToken(CODE_PREFIX);
    await this.flows.insertCode({ hash, browserHash: flow.browser_hash, providerId: provider.id, userId, amr, seconds: CODE_SECONDS });
    return token;
  }
}

const linkOf = ({ link_user_id: userId, link_session_id: sessionId }: SsoFlow): Link | null => (userId === null ? null : { userId, sessionId: sessionId ?? '' });

/** 256 bits, in the alphabet that PKCE takes (RFC 7636, section 4.1). */
const secret = (): string => randomBytes(32).toString('base64url');
