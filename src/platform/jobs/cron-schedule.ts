import { CronExpressionParser } from 'cron-parser';
import { type WallClock, wallClockOf } from './wall-clock.js';

/** What becomes of ticks whose time passed while nobody could act: none of them, one for all, or each. */
export const MISSED_TICKS = ['skip', 'once', 'all'] as const;
export type MissedTicks = (typeof MISSED_TICKS)[number];

/** When something happens again and again. */
export interface CronSchedule {
  /** Five fields (minute, hour, day, month, weekday), or a name such as @daily. */
  expression: string;
  /** Of the IANA database: Europe/Berlin. */
  timezone: string;
  missed: MissedTicks;
}

const LONGEST = 120;
const FIELDS = 5;
const NAMES = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly']);
/** Months and days by their names, and the last day: not H, which is another time with each reading. */
const WORD = /^(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT|L)$/;
/** A tick that is found so late is on time: processes look twice a second, and may be started anew between. */
const ON_TIME_MS = 60_000;
/** Of very many that were missed, the newest. */
const MOST_MISSED = 1_000;
const MINUTE_MS = 60_000;
const WIDER = 8;
const LEAP_YEARS_MS = 9 * 366 * 86_400_000;
/** Clocks are moved by two hours at most, but for days that a country has left out. */
const LONGEST_MOVE_MS = 3 * 3_600_000;

/** What is wrong with a schedule, by its field; undefined when nothing is. */
export function scheduleFault({ expression, timezone }: Pick<CronSchedule, 'expression' | 'timezone'>): { field: 'expression' | 'timezone'; message: string } | undefined {
  if (!isTimezone(timezone)) return { field: 'timezone', message: 'is no time zone of the IANA database, such as Europe/Berlin' };
  const wrong = { field: 'expression' as const, message: 'is no cron expression of five fields: minute, hour, day of the month, month, day of the week' };
  const text = expression.trim();
  if (text.length > LONGEST) return wrong;
  const named = text.startsWith('@');
  if (named ? !NAMES.has(text) : text.split(/\s+/).length !== FIELDS || !(text.match(/[A-Za-z]+/g) ?? []).every((word) => WORD.test(word.toUpperCase()))) return wrong;
  try {
    nextTick({ expression, timezone }, new Date());
    return undefined;
  } catch {
    return wrong;
  }
}

/**
 * The first tick after a moment, by the clock on the wall of the zone. Of an expression with certain hours, a time that the clocks skip in
 * spring comes as much later as they were moved, and one that they show twice in autumn comes the first time. Of one for every hour, or
 * every so many (`*`, or every second), it comes whenever the clock shows it: what comes every so many minutes keeps its rhythm through both.
 * The expression is only ever read in UTC, which has no such days.
 * @throws Error when there is no such time within nine years
 */
export function nextTick({ expression, timezone }: Pick<CronSchedule, 'expression' | 'timezone'>, after: Date): Date {
  const clock = wallClockOf(timezone);
  const shown = (behind: number): number => nextShown(expression.trim(), behind);
  const tick = isOfEveryHour(expression.trim()) ? nextShownAnew(clock, shown, after.getTime()) : nextOnce(clock, shown, after.getTime());
  if (tick - after.getTime() > LEAP_YEARS_MS) throw new Error('There is no such time.');
  return new Date(tick);
}

/** What a clock that is never moved shows with the first tick behind a time that it shows. */
function nextShown(expression: string, behind: number): number {
  const tick = CronExpressionParser.parse(expression, { tz: 'UTC', currentDate: new Date(behind) }).next().getTime();
  if (tick <= behind) throw new Error('There is no such time.');
  return tick;
}

const isOfEveryHour = (expression: string): boolean => expression === '@hourly' || (!expression.startsWith('@') && (expression.split(/\s+/)[1] ?? '').startsWith('*'));

/** Goes from one change of the clock to the next: in between, what it shows and what time it is are the same but for a number. */
function nextShownAnew(clock: WallClock, shown: (behind: number) => number, after: number): number {
  for (let [start, behind] = [after, clock.at(after)]; ; ) {
    const tick = shown(behind) - clock.offsetAt(start);
    const change = tick - after > LEAP_YEARS_MS ? undefined : clock.changeBetween(start, tick);
    if (change === undefined) return tick;
    [start, behind] = [change, clock.at(change) - 1];
  }
}

/** Each time that the clock shows stands for one instant. Around a change these do not come in the order of the times. */
function nextOnce(clock: WallClock, shown: (behind: number) => number, after: number): number {
  const next = clock.instantOf(shown(clock.at(after)));
  if (clock.changeBetween(after - LONGEST_MOVE_MS, Math.min(next, after + LEAP_YEARS_MS)) === undefined && clock.changeBetween(next, next + LONGEST_MOVE_MS) === undefined) return next;
  let first = Infinity;
  for (let time = shown(clock.at(after) - LONGEST_MOVE_MS); time - LONGEST_MOVE_MS < clock.at(Math.min(first, after + LEAP_YEARS_MS)); time = shown(time)) {
    const tick = clock.instantOf(time);
    if (tick > after && tick < first) first = tick;
  }
  return first;
}

/** What is to be done now about the ticks from `from` on: those that run, oldest first, and the first that is yet to come. */
export function dueTicks(schedule: CronSchedule, from: Date, now: Date): { run: Date[]; next: Date } {
  const next = nextTick(schedule, now);
  if (schedule.missed === 'all') return { run: newestTicks(schedule, from, now, MOST_MISSED), next };
  const [last] = newestTicks(schedule, from, now, 1);
  const isWanted = last !== undefined && (schedule.missed === 'once' || now.getTime() - last.getTime() <= ON_TIME_MS);
  return { run: isWanted ? [last] : [], next };
}

/**
 * The newest `most` of the ticks from `from` to `now`, in their order. Looked for in spans that grow into the past, so that none of the
 * many between are gone through; and always forwards: backwards the library sees other ticks where the clocks are moved.
 */
function newestTicks(schedule: CronSchedule, from: Date, now: Date, most: number): Date[] {
  for (let span = most * MINUTE_MS; ; span *= WIDER) {
    const begin = Math.max(from.getTime(), now.getTime() - span);
    const found = ticksBetween(schedule, new Date(begin - 1), now);
    if (found.length >= most || begin === from.getTime()) return found.slice(-most);
  }
}

/** All ticks behind one moment, up to another. Takes some tens of microseconds for each. */
export function ticksBetween(schedule: Pick<CronSchedule, 'expression' | 'timezone'>, after: Date, now: Date): Date[] {
  const found: Date[] = [];
  for (let tick = nextTick(schedule, after); tick <= now; tick = nextTick(schedule, tick)) found.push(tick);
  return found;
}

function isTimezone(name: string): boolean {
  // Offsets such as +02:00 are taken as well, but know nothing of summer.
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
