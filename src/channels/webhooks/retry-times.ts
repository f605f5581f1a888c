/** Pauses between tries, in seconds: the schedule that Standard Webhooks proposes. Eleven tries within three and a half days. */
const PAUSES = [5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600] as const;
/** How far a pause is moved at most, so that what failed together does not come back together. */
const JITTER = 0.2;
const LONGEST_SECONDS = 24 * 3600;

/** With the first. */
export const MOST_TRIES = PAUSES.length + 1;

/**
 * Milliseconds until the next try.
 * @param tries that have failed, 1 or more
 * @param retryAfter seconds that the receiver asks for; less than the schedule counts for nothing, more than a day for a day
 * @param random a number in [0, 1)
 */
export function pauseAfter(tries: number, retryAfter: number | undefined, random: number = Math.random()): number {
  const scheduled = PAUSES[Math.min(Math.max(tries, 1), PAUSES.length) - 1] ?? LONGEST_SECONDS;
  const moved = scheduled * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(moved, Math.min(retryAfter ?? 0, LONGEST_SECONDS)) * 1000);
}

/** What `Retry-After` asks for, in seconds: a number of them or a date (RFC 9110, section 10.2.3). */
export function retryAfterOf(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now.getTime()) / 1000));
}
