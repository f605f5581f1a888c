/** What each word of RFC 8176 rests on: something known, held, or of the body. */
const KINDS: Readonly<Record<string, 'known' | 'held' | 'body'>> = {
  pwd: 'known',
  pin: 'known',
  kba: 'known',
  otp: 'held',
  sms: 'held',
  tel: 'held',
  hwk: 'held',
  swk: 'held',
  sc: 'held',
  pop: 'held',
  fpt: 'body',
  face: 'body',
  iris: 'body',
  retina: 'body',
  vbm: 'body',
};

/** Whether a provider says that two factors were shown: in so many words, or by naming two of different kinds. */
export function showsTwoFactors(amr: readonly string[]): boolean {
  return amr.includes('mfa') || new Set(amr.flatMap((word) => KINDS[word] ?? [])).size > 1;
}
