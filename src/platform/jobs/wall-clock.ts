import { LRUCache } from 'lru-cache';

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;

/**
 * The clock on the wall of a time zone. What it shows is told as the milliseconds that UTC would have if its clocks showed the same.
 * Zones and their changes are those of the runtime's IANA database.
 */
export class WallClock {
  private readonly format: Intl.DateTimeFormat;
  private readonly known = new LRUCache<number, number>({ max: 1_000 });

  /** @throws RangeError for a zone that there is not */
  constructor(readonly timezone: string) {
    this.format = new Intl.DateTimeFormat('en-US-u-ca-iso8601-hc-h23', { timeZone: timezone, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  }

  /** By how much the clock is ahead of UTC at an instant; both in milliseconds. */
  offsetAt(instant: number): number {
    const second = Math.floor(instant / SECOND_MS) * SECOND_MS;
    const known = this.known.get(second);
    if (known !== undefined) return known;
    const parts = Object.fromEntries(this.format.formatToParts(second).map(({ type, value }) => [type, Number(value)]));
    const { year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second: seconds = NaN } = parts;
    const offset = Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
    this.known.set(second, offset);
    return offset;
  }

  /** What the clock shows at an instant. */
  at(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /**
   * When the clock shows a time: the first time if it does so twice; if it never does, as much later as it is moved meanwhile
   * (`compatible` of ECMAScript's Temporal, RFC 5545 section 3.3.5).
   */
  instantOf(shown: number): number {
    const [before, after] = [this.offsetAt(shown - DAY_MS), this.offsetAt(shown + DAY_MS)];
    const early = shown - before;
    if (before === after || this.offsetAt(early) === before) return early;
    const late = shown - after;
    return this.offsetAt(late) === after ? late : early;
  }

  /** The first instant behind `from`, up to `to`, from which on the clock is ahead by another amount; undefined if it is not moved. */
  changeBetween(from: number, to: number): number | undefined {
    const offset = this.offsetAt(from);
    for (let begin = from; begin < to; begin += DAY_MS) {
      const end = Math.min(begin + DAY_MS, to);
      if (this.offsetAt(end) !== offset) return this.changeWithin(begin, end, offset);
    }
    return undefined;
  }

  private changeWithin(begin: number, end: number, offset: number): number {
    let [before, after] = [Math.floor(begin / SECOND_MS), Math.ceil(end / SECOND_MS)];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.offsetAt(middle * SECOND_MS) === offset) before = middle;
      else after = middle;
    }
    return after * SECOND_MS;
  }
}

const clocks = new LRUCache<string, WallClock>({ max: 100 });

/** @throws RangeError for a zone that there is not */
export function wallClockOf(timezone: string): WallClock {
  const known = clocks.get(timezone) ?? new WallClock(timezone);
  clocks.set(timezone, known);
  return known;
}
