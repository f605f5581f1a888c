import type { Account } from '../../scripts/demo/admin-client.ts';
import type { Prng } from './prng.ts';

interface Tokens {
  access_token: string;
}

/** Somebody with an account who signs in when it is needed, at whichever process; nothing of it is written down. */
export class Person {
  private readonly account: Account;
  private readonly urls: readonly string[];
  private readonly prng: Prng;
  private count = 0;

  constructor(account: Account, urls: readonly string[], prng: Prng) {
    this.account = account;
    this.urls = urls;
    this.prng = prng;
  }

  /** @returns the bearer header of a new session; undefined while nobody can sign in */
  async signIn(): Promise<Record<string, string> | undefined> {
    const tokens = await this.ask<Tokens>('POST', '/auth/login', {}, this.account);
    return tokens && { authorization: `Bearer ${tokens.access_token}` };
  }

  /** @returns the body of a success; undefined for anything else */
  async ask<T>(method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: object): Promise<T | undefined> {
    try {
      const response = await fetch(`${this.prng.pick(this.urls)}/api/v1${path}`, {
        method,
        headers: { 'x-forwarded-for': this.address(), ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(5_000),
      });
      const text = await response.text();
      return response.ok ? (JSON.parse(text) as T) : undefined;
    } catch {
      // Cut, refused or too late: that is what this run is about.
      return undefined;
    }
  }

  /** One that nobody else uses (RFC 2544's), for limits count by address. */
  address(): string {
    this.count += 1;
    return `198.18.${(this.count >> 8) & 255}.${this.count & 255}`;
  }
}
