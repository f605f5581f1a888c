/** What each word of RFC 8176 rests on: something known, held, or of the body. */
const KINDS = new Map<string, 'known' | 'held' | 'body'>([
  ...['pwd', 'pin', 'kba'].map((word) => [word, 'known'] as const),
  ...['otp', 'sms', 'tel', 'hwk', 'swk', 'sc', 'pop'].map((word) => [word, 'held'] as const),
  ...['fpt', 'face', 'iris', 'retina', 'vbm'].map((word) => [word, 'body'] as const),
]);

/** Whether a provider says that two factors were shown: in so many words, or by naming two of different kinds. */
export function showsTwoFactors(amr: readonly string[]): boolean {
  return amr.includes('mfa') || new Set(amr.flatMap((word) => KINDS.get(word) ?? [])).size > 1;
}
