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
type LocalTime = { day: number; minute: number };
interface Zone {
  format: Intl.DateTimeFormat;
  /** The latest answer: the windows of a rule are asked about the same moment. */
  last?: { at: number; time: LocalTime };
}
const zones = new Map<string, Zone>();
const MOST_ZONES = 500;

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
    zoneOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function localTime(at: Date, timeZone: string): LocalTime {
  const zone = zoneOf(timeZone);
  if (zone.last?.at === at.getTime()) return zone.last.time;
  const parts = Object.fromEntries(zone.format.formatToParts(at).map(({ type, value }) => [type, value]));
  const time = { day: DAYS.indexOf(parts['weekday'] ?? '') + 1, minute: Number(parts['hour']) * 60 + Number(parts['minute']) };
  zone.last = { at: at.getTime(), time };
  return time;
}

/** Making one takes longer than all the rest. @throws RangeError for an unknown time zone */
function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone);
  if (known) return known;
  if (zones.size >= MOST_ZONES) zones.clear();
  const made = { format: new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) };
  zones.set(timeZone, made);
  return made;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
