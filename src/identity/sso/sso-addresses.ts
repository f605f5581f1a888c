import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { invalidField } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';

const CALLBACK = '/api/v1/auth/sso/callback';

/** Addresses of this installation, as browsers reach it. */
@Injectable()
export class SsoAddresses {
  private readonly origins: ReadonlySet<string>;

  constructor(private readonly config: Config) {
    const others = config.get('CORS_ORIGINS').split(',').map((origin) => origin.trim()).filter(Boolean);
    this.origins = new Set(others);
  }

  callback(request: Request): string {
    return `${this.base(request)}${CALLBACK}`;
  }

  /** Over https the browser is asked to keep cookies to https. */
  isSecure(request: Request): boolean {
    return this.base(request).startsWith('https:');
  }

  /**
   * An address that a browser may be sent on to: it gets a code in its hash.
   * @throws Problem `invalid_request` for anybody else's
   */
  returnTo(request: Request, given: string | undefined): string | null {
    if (given === undefined) return null;
    const own = new URL(this.base(request));
    const url = URL.canParse(given, own.href) ? new URL(given, own) : undefined;
    if (!url || url.username !== '' || url.password !== '' || (url.origin !== own.origin && !this.origins.has(url.origin)))
      throw invalidField('return_to', 'origin', 'must be a path of this installation, or an address at one of its origins');
    url.hash = '';
    return url.href;
  }

  /**
   * PUBLIC_URL, or how this request came: a provider sends browsers to registered addresses alone, whatever a header says.
   * @throws Problem `invalid_request` for a Host header that names no host
   */
  private base(request: Request): string {
    const configured = this.config.get('PUBLIC_URL');
    if (configured !== undefined) return configured.replace(/\/+$/, '');
    const asked = `${request.protocol}://${request.host}`;
    if (!URL.canParse(asked)) throw invalidField('Host', 'host', 'is not the name of a host');
    return asked;
  }
}
