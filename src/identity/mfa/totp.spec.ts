import { generateSync } from 'otplib';
import { newSecret, otpauthUrl, stepOf } from './totp.js';

/** RFC 6238, appendix B: the secret of SHA-1 in base 32. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('time-based codes', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ])('knows the code of second %d', (second, code) => {
    expect(stepOf(SECRET, code, new Date(second * 1000))).toBe(Math.floor(second / 30));
  });

  it('takes the step before and the step after, and says which it was', () => {
    const at = 1_700_000_000;
    const step = Math.floor(at / 30);
    const codeOf = (n: number): string => generateSync({ secret: SECRET, epoch: n * 30 });
    for (const offset of [0, 29]) {
      const now = new Date((step * 30 + offset) * 1000);
      expect([-2, -1, 0, 1, 2].map((n) => stepOf(SECRET, codeOf(step + n), now))).toEqual([undefined, step - 1, step, step + 1, undefined]);
    }
  });

  it('makes secrets of 160 bits, each another, and addresses that authenticators take', () => {
    const secret = newSecret();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(newSecret()).not.toBe(secret);
    const url = new URL(otpauthUrl(secret, 'ada@example.com'));
    expect(url.protocol).toBe('otpauth:');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ secret, issuer: 'Wheelhouse' });
    expect(decodeURIComponent(url.pathname)).toContain('Wheelhouse:ada@example.com');
  });
});
