/** Delays between tries when the plane is away: full jitter (M. Brooker, AWS Architecture Blog, 2015), in milliseconds. */
const BASE_MS = 200;
const LONGEST_MS = 15_000;

/**
 * How long to wait before try number `failures` + 1. A thousand agents that lost the same plane come back spread out.
 * @param retryAfterMs what the plane asked for; the delay is never shorter
 * @param random a number in [0, 1)
 */
export function retryDelay(failures: number, retryAfterMs = 0, random: number = Math.random()): number {
  const ceiling = Math.min(LONGEST_MS, BASE_MS * 2 ** Math.min(Math.max(failures, 1), 20));
  return Math.round(retryAfterMs + random * ceiling);
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3); 0 for anything else. */
export function retryAfterMs(header: string | null, now: number = Date.now()): number {
  if (header === null || header.trim() === '') return 0;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 600_000) : 0;
}
