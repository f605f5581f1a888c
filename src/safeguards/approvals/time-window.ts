/** Hours of the week, by the clock of a place: from `from` until before `to`; one that ends before it begins goes past midnight. */
export interface TimeWindow {
  /** Days on which it begins, Monday is 1; left out, every day. */
  days?: number[];
  /** `HH:MM`. */
  from: string;
  /** `HH:MM`; `24:00` is the end of the day. */
  to: string;
  /** A name of the IANA data base (`Europe/Berlin`). */
  time_zone: string;
}

const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();
const MOST_FORMATS = 500;

export const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
export const END_OF_WINDOW = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

export function isOpen({ days, from, to, time_zone }: TimeWindow, at: Date): boolean {
  const { day, minute } = localTime(at, time_zone);
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  const onDay = (wanted: number): boolean => days === undefined || days.includes(wanted);
  if (begin < end) return onDay(day) && minute >= begin && minute < end;
  // Past midnight it is the day before that counts; from and to alike are a whole day.
  return (onDay(day) && minute >= begin) || (onDay(day === 1 ? 7 : day - 1) && minute < end);
}

export function isTimeZone(name: string): boolean {
  try {
    formatFor(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function localTime(at: Date, timeZone: string): { day: number; minute: number } {
  const parts = Object.fromEntries(formatFor(timeZone).formatToParts(at).map(({ type, value }) => [type, value]));
  return { day: DAYS.indexOf(parts['weekday'] ?? '') + 1, minute: Number(parts['hour']) * 60 + Number(parts['minute']) };
}

/** Making one takes longer than all the rest. @throws RangeError for an unknown time zone */
function formatFor(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  if (formats.size >= MOST_FORMATS) formats.clear();
  const made = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  formats.set(timeZone, made);
  return made;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
