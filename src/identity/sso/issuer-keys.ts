import { Injectable, Logger } from '@nestjs/common';
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { Egress } from '../../platform/egress/egress.js';

const logger = new Logger('IssuerKeys');

/** After a failure the issuer is left alone for so long: each request would ask it, and wait for it. */
const RETRY_MS = 5_000;
const REFRESH_MS = 600_000;

/** The keys of OIDC_ISSUER, through the one way out. A key that is not known yet is asked for at most twice a minute. */
@Injectable()
export class IssuerKeys {
  private keys: Promise<JWTVerifyGetKey> | undefined;
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly config: Config,
    private readonly egress: Egress,
  ) {}

  /** @throws Problem `unavailable` while the issuer cannot be asked */
  async get(): Promise<JWTVerifyGetKey> {
    if (performance.now() - this.failedAt < RETRY_MS) throw unavailable();
    this.keys ??= this.discover().catch((error: unknown) => {
      logger.warn(`The keys of OIDC_ISSUER cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    });
    try {
      return await this.keys;
    } catch {
      // Logged where it was asked, once for all that waited.
      this.keys = undefined;
      this.failedAt = performance.now();
      throw unavailable();
    }
  }

  private async discover(): Promise<JWTVerifyGetKey> {
    const issuer = this.config.get('OIDC_ISSUER') ?? '';
    const answer = await this.egress.request({ url: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, headers: { accept: 'application/json' }, purpose: 'oidc' });
    const metadata = JSON.parse(answer.body.toString('utf8')) as { issuer?: unknown; jwks_uri?: unknown };
    // OpenID Connect Discovery 1.0, section 4.3.
    if (answer.status !== 200 || metadata.issuer !== issuer || typeof metadata.jwks_uri !== 'string') throw new Error('The metadata is not that of the issuer.');
    return createRemoteJWKSet(new URL(metadata.jwks_uri), { [customFetch]: this.egress.fetchFor('oidc'), cacheMaxAge: REFRESH_MS, cooldownDuration: 30_000 });
  }
}

export const unavailable = (): Problem => new Problem('unavailable', { detail: 'The issuer of the token cannot be asked for its keys.', retryAt: new Date(Date.now() + RETRY_MS) });
