import { allClaims, displayName, isInDomains, roleOfGroups, type SsoClaims, verifiedEmail, waysOf } from './sso-claims.js';

const claims = (all: Record<string, unknown>): SsoClaims => ({ issuer: 'https://idp.example', subject: 's', amr: [], idToken: '', all });

describe('verifiedEmail', () => {
  it.each([
    [{ email: 'Ada@Example.com', email_verified: true }, 'ada@example.com'],
    [{ email: 'ada@example.com', email_verified: 'true' }, 'ada@example.com'],
  ])('takes %j', (all, email) => expect(verifiedEmail(claims(all))).toBe(email));

  it.each([{}, { email: 'ada@example.com' }, { email: 'ada@example.com', email_verified: false }, { email: 'ada@example.com', email_verified: 1 }, { email: ['ada@example.com'], email_verified: true }, { email: 'none', email_verified: true }, { email: 'a@b@example.com', email_verified: true }])(
    'takes none of %j',
    (all) => expect(verifiedEmail(claims(all))).toBeUndefined(),
  );
});

describe('allClaims', () => {
  it('takes an address and whether it was verified from one source', () => {
    const both = allClaims({ sub: 's', email: 'victim@example.com' }, { email: 'own@evil.example', email_verified: true, name: 'N' });
    expect(both).toEqual({ sub: 's', name: 'N', email: 'victim@example.com', email_verified: undefined });
    expect(allClaims({ sub: 's' }, { email: 'own@example.com', email_verified: true })).toMatchObject({ email: 'own@example.com', email_verified: true });
  });
});

describe('isInDomains', () => {
  it('is the domain itself, and no other that looks like it', () => {
    expect(isInDomains(['example.com'], 'ada@example.com')).toBe(true);
    for (const email of ['ada@sub.example.com', 'ada@example.com.evil.net', 'ada@badexample.com', undefined]) expect(isInDomains(['example.com'], email)).toBe(false);
  });
  it('is every domain when none is named', () => expect(isInDomains([], undefined)).toBe(true));
});

describe('roleOfGroups', () => {
  const provider = { group_claim: 'groups', role_mappings: [{ group: 'readers', role: 'client' }, { group: 'staff', role: 'user' }, { group: 'root', role: 'admin' }], default_role: null } as const;
  const roleFor = (groups: unknown, more: object = {}) => roleOfGroups({ ...provider, role_mappings: [...provider.role_mappings], ...more }, claims({ groups }));

  it('is the one that may do most', () => expect(roleFor(['readers', 'root', 'staff'])).toBe('admin'));
  it('takes a group alone', () => expect(roleFor('staff')).toBe('user'));
  it('falls back to the default, or refuses', () => {
    expect(roleFor(['other'])).toBeNull();
    expect(roleFor(undefined)).toBeNull();
    expect(roleFor([['root'], { group: 'root' }, 1])).toBeNull();
    expect(roleFor(['other'], { default_role: 'client' })).toBe('client');
  });
  it('says nothing without a claim', () => expect(roleFor(['root'], { group_claim: null })).toBeUndefined());
});

describe('displayName', () => {
  it('is the name, or the address', () => {
    expect(displayName(claims({ name: 'Ada Lovelace' }), 'ada@example.com')).toBe('Ada Lovelace');
    expect(displayName(claims({ name: ' ' }), 'ada@example.com')).toBe('ada@example.com');
    expect(displayName(claims({ name: 'a\0b' }), 'ada@example.com')).toBe('ada@example.com');
    expect(displayName(claims({ name: 'x'.repeat(300) }), 'ada@example.com')).toHaveLength(200);
  });
});

describe('waysOf', () => {
  it.each([
    [['pwd'], ['pwd']],
    [['pwd', 'otp'], ['pwd', 'otp', 'mfa']],
    [['swk', 'face'], ['swk', 'face', 'mfa']],
    [['mfa', 'pwd', 'otp'], ['mfa', 'pwd', 'otp']],
    ['mfa', ['mfa']],
    [['otp', 'sms'], ['otp', 'sms']],
    [[['mfa'], 1, 'a b', 'x'.repeat(33)], []],
    [undefined, []],
  ])('of %j are %j', (claim, ways) => expect(waysOf(claim)).toEqual(ways));
});
