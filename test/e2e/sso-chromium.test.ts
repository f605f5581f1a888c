import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { createTenant, createUser, ok } from '../support/factories.js';
import { CLIENT, startOidcProvider } from '../support/oidc-provider.js';
import { startPlane } from '../support/plane.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const there = existsSync(CHROMIUM);
if (!there) process.stdout.write(`skipped: single sign-on in a real browser, because there is no ${CHROMIUM} (Debian: apt-get install chromium)\n`);

(there ? describe : describe.skip)('single sign-on in a real browser', () => {
  it('goes to the provider, comes back, and trades its code for a session in a cookie', async () => {
    const plane = await startPlane({ environment: { EGRESS_ALLOW: '127.0.0.1' } });
    const idp = await startOidcProvider(plane.url);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const tenant = await createTenant(plane);
      const admin = await createUser(plane, { role: 'admin', tenant: tenant.id });
      const provider = await ok(plane.request<{ id: string }>('POST', '/api/v1/sso/providers', { token: admin.token, body: { name: 'Example', issuer: idp.issuer, ...CLIENT, create_users: true, allowed_domains: ['example.com'] } }));
      await idp.knows('ada', { claims: { email: 'ada@example.com', email_verified: true, name: 'Ada' } });
      const page = await browser.newPage();
      await page.goto(`${plane.url}/api/v1/auth/sso/${provider.id}/start?return_to=/health`);
      await page.fill('input[name=login]', 'ada');
      await page.click('button[value=in]');
      await page.waitForURL(/\/health#sso_code=who_/);
      const code = new URL(page.url()).hash.slice('#sso_code='.length);
      const asked = (path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> =>
        page.evaluate(
          async ([to, sent]) => {
            const response = await fetch(to!, sent === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: sent });
            return { status: response.status, body: (await response.json()) as Record<string, unknown> };
          },
          [path, body === undefined ? undefined : JSON.stringify(body)],
        );
      const traded = await asked('/api/v1/auth/sso/exchange', { code, session: 'cookie' });
      expect([traded.status, traded.body['token_type'], 'access_token' in traded.body]).toEqual([200, 'cookie', false]);
      const me = await asked('/api/v1/auth/me');
      expect([me.status, me.body['email'], me.body['tenant_id']]).toEqual([200, 'ada@example.com', tenant.id]);
      expect((await asked('/api/v1/auth/sso/exchange', { code, session: 'cookie' })).status).toBe(401);
    } finally {
      await browser.close();
      await idp.stop();
      await plane.stop();
    }
  }, 60_000);
});
