import { parseSettings } from './settings.js';

const problemsOf = (environment: Record<string, string>): string[] => {
  const result = parseSettings(environment);
  return 'problems' in result ? result.problems : [];
};
/** The names that are complained about. */
const badNames = (environment: Record<string, string>): string[] => problemsOf(environment).map((problem) => problem.split(':')[0] ?? '');

describe('settings', () => {
  it('names every bad one at once, and no value', () => {
    const environment = { PORT: 'canary-1', ADMIN_TOKEN: 'canary-2', LOG_LEVEL: 'canary-3', WHEELHOUSE_DTA: 'canary-4', TRUST_PROXY: 'canary 5', DATABASE_URL: 'canary-6', CORS_ORIGINS: 'canary-7' };
    expect(badNames(environment).sort()).toEqual(Object.keys(environment).sort());
    expect(problemsOf(environment).join()).not.toContain('canary');
  });

  it.each(['1', '2', 'loopback', 'loopback, linklocal,uniquelocal', '10.0.0.1', '10.0.0.0/8,fd00::/8', '::1', ''])('believes the proxies %j', (value) => {
    expect(problemsOf({ TRUST_PROXY: value })).toEqual([]);
  });

  it.each(['true', 'nginx', '10.0.0.0/33', '10.0.0', 'fd00::/129', '1.5', '-1', ',', '10.0.0.1,,10.0.0.2', '10.0.0.0/'])('refuses the proxies %j', (value) => {
    expect(badNames({ TRUST_PROXY: value })).toEqual(['TRUST_PROXY']);
  });

  it.each(['https://app.example.com', 'http://localhost:5173, https://app.example.com', ''])('takes the origins %j', (value) => {
    expect(problemsOf({ CORS_ORIGINS: value })).toEqual([]);
  });

  it.each(['*', 'app.example.com', 'https://app.example.com/', 'https://app.example.com/path', 'https://a.example,', 'null'])('refuses the origins %j', (value) => {
    expect(badNames({ CORS_ORIGINS: value })).toEqual(['CORS_ORIGINS']);
  });

  it.each(['{}', '{"free":{"agents":5,"secrets":null}}'])('takes the limits %j', (value) => {
    expect(problemsOf({ PLAN_LIMITS: value })).toEqual([]);
  });

  it.each(['free', '[]', '{"free":5}', '{"free":{"cars":1}}', '{"free":{"agents":-1}}', '{"free":{"agents":"5"}}'])('refuses the limits %j', (value) => {
    expect(badNames({ PLAN_LIMITS: value })).toEqual(['PLAN_LIMITS']);
  });

  it.each(['postgres://u:p@h:5432/d', 'postgresql://h/d?sslmode=require', 'postgres:///d?host=/var/run/postgresql'])('takes the database %j', (value) => {
    expect(problemsOf({ DATABASE_URL: value })).toEqual([]);
  });

  it.each(['h/d', 'mysql://h/d', 'host=h dbname=d'])('refuses the database %j', (value) => {
    expect(badNames({ DATABASE_URL: value })).toEqual(['DATABASE_URL']);
  });

  it.each(['default:aaaaaaaaaa.bbbbbbbbbb.cccccccccc', 'default:whk_aaaaaaaaaaaaaaaaaaaaaaaa', 'default:aaaaaaaaaaaa:bbbbbbbbbbbb', 'default:short', ':aaaaaaaaaaaaaaaaaaaaaaaa'])('refuses the agent token %j', (value) => {
    expect(badNames({ AGENT_TOKENS: `acme:${'a'.repeat(24)},${value}` })).toEqual(['AGENT_TOKENS']);
  });

  it('takes the tokens of an issuer only with its name and that of this API', () => {
    expect(problemsOf({ AUTH_MODE: 'oidc' })).toEqual(['OIDC_ISSUER: is required when AUTH_MODE is oidc', 'OIDC_AUDIENCE: is required when AUTH_MODE is oidc']);
    expect(problemsOf({ AUTH_MODE: 'oidc', OIDC_ISSUER: 'https://login.example.com', OIDC_AUDIENCE: 'wheelhouse' })).toEqual([]);
    expect(badNames({ OIDC_ALGORITHM: 'none' })).toEqual(['OIDC_ALGORITHM']);
    expect(badNames({ OIDC_ALGORITHM: 'HS256' })).toEqual(['OIDC_ALGORITHM']);
    expect(badNames({ OIDC_ISSUER: 'file:///etc/passwd' })).toEqual(['OIDC_ISSUER']);
  });

  const STRONG = 'b7c1f0a99d3e5b2846e7d8c0f1a2937465bd8ce01f32a4d596e7f80b1c2d3e4f';
  it.each([STRONG, STRONG.toUpperCase(), Buffer.from(STRONG, 'hex').toString('base64'), Buffer.from(STRONG, 'hex').toString('base64url'), `# ours\n${STRONG}\n${STRONG}`])('takes the master key %#', (value) => {
    expect(problemsOf({ MASTER_KEY: value })).toEqual([]);
  });

  it.each(['x', 'x'.repeat(64), 'a'.repeat(64), '0123456789abcdef'.repeat(4), STRONG.slice(1), `${STRONG}00`, 'correct horse battery staple and some more words to fill', 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ', 'correct-horse-battery-staple-and-more-words', 'My-Master-Key-For-Production-2026-Do-Not-Lo', 'CHANGE/ME/9b1XzPq0Lr7Tn3Vd5Hs8Kw2Jy4Gf6MaCe', 'deadbeef'.repeat(8), `${STRONG}\nshort`, '# nothing'])(
    'refuses the master key %j',
    (value) => {
      expect(problemsOf({ MASTER_KEY: value })).toEqual(['MASTER_KEY: must be 32 random bytes in hex or base64, such as openssl rand -hex 32 prints']);
    },
  );

  it('takes each of them from a file, those too whose names are watched for mistakes', () => {
    expect(problemsOf({ AUDIT_CHECKPOINT_WEBHOOK_TOKEN_FILE: '/run/secrets/x', AUDIT_CHECKPOINT_S3_SECRET_FILE: '/run/secrets/y' })).toEqual([]);
    expect(badNames({ AUDIT_CHECKPOINT_WEBHOK_TOKEN_FILE: '/run/secrets/x' })).toEqual(['AUDIT_CHECKPOINT_WEBHOK_TOKEN_FILE']);
  });

  it('takes a key service over TLS, or on this machine, and its token with it', () => {
    for (const url of ['https://vault.internal:8200', 'http://127.0.0.1:8200', 'http://localhost:8200', 'http://[::1]:8200']) expect([url, problemsOf({ KMS_URL: url, KMS_TOKEN: 't' })]).toEqual([url, []]);
    for (const url of ['http://vault.internal:8200', 'http://10.0.0.1', 'http://localhost.example.com', 'https://user:canary@vault', 'https://vault/?token=canary', 'ftp://vault', 'vault']) {
      expect([url, problemsOf({ KMS_URL: url, KMS_TOKEN: 't' })]).toEqual([url, ['KMS_URL: must be an https address without a user name or a query; http is for a service on this machine']]);
    }
    for (const [name, value] of [['KMS_URL', 'https://vault'], ['KMS_TOKEN', 'canary']] as const) expect(badNames({ [name]: value })).toEqual(['KMS_TOKEN']);
    expect(badNames({ KMS_URL: 'https://vault', KMS_TOKEN: 't', KMS_KEY: '../sys/seal' })).toEqual(['KMS_KEY']);
  });

  it('refuses a header that no answer could carry', () => {
    expect(badNames({ SECURITY_HEADER_X_FRAME_OPTIONS: 'DENY\r\nSet-Cookie: a=b' })).toEqual(['SECURITY_HEADER_X_FRAME_OPTIONS']);
    expect(badNames({ SECURITY_HEADER_CONTENT_SECURITY_POLICY: 'default-src “self”' })).toEqual(['SECURITY_HEADER_CONTENT_SECURITY_POLICY']);
    expect(problemsOf({ SECURITY_HEADER_X_FRAME_OPTIONS: '', SECURITY_HEADER_REFERRER_POLICY: 'no-referrer' })).toEqual([]);
  });
});
