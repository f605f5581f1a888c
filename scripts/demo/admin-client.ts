import { randomUUID } from 'node:crypto';

/** A refusal by the plane. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(what: string, status: number, body: unknown) {
    const problem = body as { code?: string; detail?: string } | null;
    super(`${what}: ${status} ${problem?.code ?? ''} ${problem?.detail ?? ''}`);
    this.status = status;
    this.code = problem?.code ?? 'unknown';
  }
}

export interface Account {
  email: string;
  password: string;
}

/** What an administrator does by HTTP: signs in again when the access token has run out. */
export class AdminClient {
  private readonly url: string;
  private readonly account: Account;
  private token = '';

  constructor(url: string, account: Account) {
    this.url = `${url}/api/v1`;
    this.account = account;
  }

  /** Completes the setup of a fresh plane, which makes the account its administrator. */
  async setUp(setupToken: string): Promise<void> {
    const body = { setup_token: setupToken, ...this.account, full_name: 'Demo Administrator', organization: 'Demo' };
    const answer = await this.send<{ access_token: string }>('POST', '/setup/complete', body);
    this.token = answer.access_token;
  }

  async signIn(): Promise<void> {
    const answer = await this.send<{ access_token: string }>('POST', '/auth/login', this.account);
    this.token = answer.access_token;
  }

  /** @throws Refused for anything but success */
  async request<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T> {
    const key = randomUUID();
    return this.signedIn(() => this.send<T>(method, path, body, key));
  }

  /** What is not JSON: a drawing. @throws Refused for anything but success */
  text(path: string): Promise<string> {
    return this.signedIn(() => this.exchange('GET', path));
  }

  private async signedIn<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      await this.signIn();
      return send();
    }
  }

  private async send<T>(method: string, path: string, body?: object, key: string = randomUUID()): Promise<T> {
    const text = await this.exchange(method, path, body, key);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  private async exchange(method: string, path: string, body?: object, key: string = randomUUID()): Promise<string> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' ? { 'idempotency-key': key } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Refused(`${method} ${path}`, response.status, text === '' ? undefined : JSON.parse(text));
    return text;
  }
}
