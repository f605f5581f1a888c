import { hash } from 'node:crypto';
import { REDACTED, redactSecrets } from './redact-secrets.js';

describe('redactSecrets', () => {
  it.each([
    'password', 'new_password', 'passwordHash', 'token', 'refresh_token', 'tokens', 'AccessToken', 'secret', 'client-secret', 'secrets', 'key', 'api_key', 'apiKeys',
    'private_key', 'hash', 'token_hash', 'hashes', 'authorization', 'set-cookie', 'credentials', 'totp_secret', 'recovery_codes', 'recoveryCodes', 'passphrase', 'jwt', 'signature',
  ])('replaces the value of %s', (name) => {
    expect(redactSecrets({ [name]: 'canary-7f3a' })).toEqual({ [name]: REDACTED });
    expect(JSON.stringify(redactSecrets({ list: [{ deep: { [name]: ['canary-7f3a'] } }] }))).not.toContain('canary');
    expect(JSON.stringify(redactSecrets({ [name]: { inner: 'canary-7f3a' } }))).not.toContain('canary');
  });

  it('keeps what only looks like one', () => {
    const row = { max_tokens: 4096, action_hash: 'ab12', keyboard: 'de', monkey: 'x', hashtag: 'y', name: 'token of thanks', password: null, mfa_secret: null, has_password: true, ok: true };
    expect(redactSecrets(row)).toEqual(row);
  });

  it('replaces a numeric code', () => {
    expect(redactSecrets({ otp: 123456, pin: 42, totp_code: 123456 })).toEqual({ otp: REDACTED, pin: REDACTED, totp_code: REDACTED });
  });

  it.each([
    ['our tokens', 'used whk_0123456789abcdefABCDEF to call', `used ${REDACTED} to call`],
    ['JWTs', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', REDACTED],
    ['headers', 'Authorization: Bearer abcdefghijkl', `Authorization: Bearer ${REDACTED}`],
    ['URLs', 'postgres://app:hunter2@db/x?sslmode=require', `postgres://app:${REDACTED}@db/x?sslmode=require`],
    ['queries', 'https://example.com/hook?token=abc&x=1', `https://example.com/hook?token=${REDACTED}&x=1`],
    ['keys', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', REDACTED],
  ])('replaces secrets inside of texts: %s', (_what, text, expected) => {
    expect(redactSecrets({ note: text })).toEqual({ note: expected });
    expect(redactSecrets([text])).toEqual([expected]);
    expect(Object.keys(redactSecrets({ [text]: 1 }) as object)).toEqual([expected]);
  });

  it('never shows bytes', () => {
    expect(redactSecrets({ data: Buffer.from('canary'), view: new Uint8Array([1]) })).toEqual({ data: REDACTED, view: REDACTED });
  });

  it('writes dates as text and does not change what it was given', () => {
    const given = { at: new Date('2026-01-31T09:30:00Z'), token: 'canary', big: 10n };
    expect(redactSecrets(given)).toEqual({ at: '2026-01-31T09:30:00.000Z', token: REDACTED, big: '10' });
    expect(given.token).toBe('canary');
  });

  it.each(['a.', 'a-', 'eyJaaaaa-', 'Bearer ', 'a://b:', '?key=', '-----BEGIN ', '-----BEGIN PRIVATE KEY-----', 'wha_'])('takes no time that grows with the square: %j over and over', (piece) => {
    const begun = performance.now();
    redactSecrets({ payload: { list: Array.from({ length: 12 }, () => piece.repeat(21_000 / piece.length)), one: piece.repeat(250_000 / piece.length) } });
    // It is some milliseconds; it was a minute.
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  it('knows a secret that begins before the end of what is shown', () => {
    const text = `${'x '.repeat(9_990)}https://user:canary-${'p'.repeat(100)}@host/ ${'y '.repeat(9_000)}`;
    expect(redactSecrets(text)).not.toContain('canary');
  });

  it('bounds length and depth', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(JSON.stringify(redactSecrets(cycle))).toContain('[too deep]');
    const long = redactSecrets(`${'x'.repeat(20_000)}${'y'.repeat(10_000)}`) as string;
    expect([long.length < 20_200, long.slice(19_999)]).toEqual([true, `x… [30000 characters; SHA-256 of those behind the first 20000: ${hash('sha256', 'y'.repeat(10_000))}]`]);
  });

  it('leaves no half of a character', () => {
    expect((redactSecrets(['\ud83d', `${'x'.repeat(19_999)}😀${'y'.repeat(10)}`]) as string[]).every((text) => text.isWellFormed())).toBe(true);
  });
});
