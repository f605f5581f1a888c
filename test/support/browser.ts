import { createUser, PASSWORD, someAddress } from './factories.js';
import type { Plane } from './plane.js';
import type { ApiResponse } from './requests.js';
import { plane } from './two-planes.js';

/** What a browser keeps of an answer, and sends with the next request. */
export class Browser {
  readonly cookies = new Map<string, string>();
  /** The cookies as they were set, with their attributes. */
  set: string[] = [];
  /** As a proxy tells that ends TLS in front of the plane. */
  headers: Record<string, string> = {};

  constructor(readonly at: Plane = plane) {}

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
  get csrf(): string {
    return [...this.cookies].find(([name]) => name.endsWith('-csrf'))?.[1] ?? '';
  }
  /** A request of the own page: with cookies, and with the token on writes. */
  send<T = Record<string, unknown>>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiResponse<T>> {
    return this.raw(method, path, body, { 'sec-fetch-site': 'same-origin', ...(method === 'GET' ? {} : { 'x-csrf-token': this.csrf }), ...headers });
  }
  async raw<T = Record<string, unknown>>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiResponse<T>> {
    const answer = await this.at.request<T>(method, `/api/v1${path}`, {
      body,
      headers: { 'x-forwarded-for': someAddress(), ...(this.cookies.size > 0 ? { cookie: this.cookie } : {}), ...this.headers, ...headers },
    });
    this.set = answer.headers.getSetCookie();
    for (const line of this.set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
  signIn(email: string): Promise<ApiResponse> {
    return this.raw('POST', '/auth/login', { email, password: PASSWORD, session: 'cookie' }, { 'sec-fetch-site': 'same-origin' });
  }
  copy(): Browser {
    const other = new Browser(this.at);
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }
}

/** Somebody who has signed in with a browser. */
export async function signedIn(role: 'admin' | 'user' | 'client' = 'user', tenant?: string): Promise<{ browser: Browser; id: string; email: string }> {
  const user = await createUser(plane, { role, ...(tenant ? { tenant } : {}) });
  const browser = new Browser();
  const { status } = await browser.signIn(user.email);
  if (status !== 200) throw new Error(`The browser was not signed in: ${status}`);
  return { browser, id: user.id, email: user.email };
}
