import { showsTwoFactors } from './provider-factors.js';

describe('what a provider says of the factors', () => {
  it.each([[['mfa']], [['pwd', 'otp']], [['pwd', 'hwk', 'mfa']], [['pin', 'fpt']]])('takes %j for two factors', (amr) => {
    expect(showsTwoFactors(amr)).toBe(true);
  });

  it.each([[[]], [['pwd']], [['otp']], [['pwd', 'pin']], [['pwd', 'geo', 'constructor']], [['sms', 'hwk']]])('takes %j for one at most', (amr) => {
    expect(showsTwoFactors(amr)).toBe(false);
  });
});
