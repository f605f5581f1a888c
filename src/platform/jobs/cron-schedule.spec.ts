import { dueTicks, type MissedTicks, nextTick, scheduleFault } from './cron-schedule.js';

/** The first ticks after a moment. */
function ticks(expression: string, timezone: string, after: string, count: number): string[] {
  const found: Date[] = [];
  for (let at = new Date(after); found.length < count; ) found.push((at = nextTick({ expression, timezone }, at)));
  return found.map((tick) => tick.toISOString().replace(':00.000Z', ''));
}

describe('ticks through the year', () => {
  it('a time that is skipped in spring comes as much later as the clocks were moved', () => {
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:30', '2026-03-30T00:30']);
    expect(ticks('30 2 * * *', 'America/New_York', '2026-03-07T12:00:00Z', 2)).toEqual(['2026-03-08T07:30', '2026-03-09T06:30']);
  });

  it('a time that is there twice in autumn comes once', () => {
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
    expect(ticks('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2)).toEqual(['2026-11-01T05:30', '2026-11-02T06:30']);
  });

  it.each([
    ['Europe/Berlin', '2026-03-29T00:00:00Z'],
    ['Europe/Berlin', '2026-10-25T00:00:00Z'],
    ['America/New_York', '2026-03-08T06:00:00Z'],
    ['America/New_York', '2026-11-01T05:00:00Z'],
  ])('what comes every half hour keeps its rhythm in %s at %s', (timezone, from) => {
    const found = ticks('*/30 * * * *', timezone, from, 8).map((tick) => Date.parse(`${tick}Z`));
    expect(found.map((tick, index) => (tick - Date.parse(from)) / 60_000 - 30 * (index + 1))).toEqual(found.map(() => 0));
  });

  it('a time of certain hours is there each day, whatever comes before or behind it', () => {
    expect(ticks('15,45 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 4)).toEqual(['2026-03-29T01:15', '2026-03-29T01:45', '2026-03-30T00:15', '2026-03-30T00:45']);
    expect(ticks('0,30 2,3 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 3)).toEqual(['2026-03-29T01:00', '2026-03-29T01:30', '2026-03-30T00:00']);
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z', 1)).toEqual(['2026-10-26T01:30']);
    expect(ticks('30 1 * * *', 'Europe/London', '2026-10-25T01:10:00Z', 1)).toEqual(['2026-10-26T01:30']);
    expect(ticks('0 0 * * *', 'America/Havana', '2026-10-31T12:00:00Z', 2)).toEqual(['2026-11-01T04:00', '2026-11-02T05:00']);
    expect(ticks('0 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', 2)).toEqual(['2026-10-03T15:30', '2026-10-04T15:00']);
    expect(ticks('0 9 * * *', 'Australia/Lord_Howe', '2026-04-03T23:00:00Z', 2)).toEqual(['2026-04-04T22:30', '2026-04-05T22:30']);
    expect(ticks('@daily', 'Pacific/Chatham', '2026-04-04T12:00:00Z', 2)).toEqual(['2026-04-05T11:15', '2026-04-06T11:15']);
  });

  /** Minute by minute, by what the clock shows. */
  function walked(timezone: string, isTick: (hour: number, minute: number) => boolean, from: string, count: number): string[] {
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' });
    const found: string[] = [];
    for (let at = Date.parse(from) + 60_000; found.length < count; at += 60_000) {
      const [hour = NaN, minute = NaN] = clock.format(at).split(':').map(Number);
      if (isTick(hour, minute)) found.push(new Date(at).toISOString().replace(':00.000Z', ''));
    }
    return found;
  }

  it.each([
    ['Europe/Berlin', '2026-03-28T12:00:00Z'],
    ['Europe/Berlin', '2026-10-24T12:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T00:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T00:00:00Z'],
    ['Africa/Casablanca', '2026-02-14T12:00:00Z'],
    ['Antarctica/Troll', '2026-03-28T12:00:00Z'],
    ['Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ])('of every hour are there whenever the clock shows them: %s, %s', (timezone, from) => {
    expect(ticks('*/30 * * * *', timezone, from, 200)).toEqual(walked(timezone, (_hour, minute) => minute % 30 === 0, from, 200));
    expect(ticks('0 */2 * * *', timezone, from, 50)).toEqual(walked(timezone, (hour, minute) => minute === 0 && hour % 2 === 0, from, 50));
  });

  it.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Pacific/Chatham', 'Africa/Casablanca', 'Antarctica/Troll'])('of certain hours are there once for each day, and found from wherever one looks: %s', (timezone) => {
    for (const expression of ['30 2 * * *', '0 0 * * *', '15,45 1,3 * * *']) {
      const found = ticks(expression, timezone, '2026-01-01T00:00:00Z', 365);
      expect(new Set(found).size).toBe(365);
      if (!expression.includes(',')) for (const [at, tick] of found.entries()) if (at > 0) expect(Math.abs(Date.parse(`${tick}Z`) - Date.parse(`${found[at - 1] ?? ''}Z`) - 86_400_000)).toBeLessThanOrEqual(7_200_000);
      for (const [at, tick] of found.entries()) if (at > 0) expect(ticks(expression, timezone, new Date(Date.parse(`${tick}Z`) - 1).toISOString(), 1)).toEqual([tick]);
    }
  });

  it('knows months that are short, and years that are long', () => {
    expect(ticks('0 0 31 * *', 'UTC', '2026-01-31T00:00:00Z', 2)).toEqual(['2026-03-31T00:00', '2026-05-31T00:00']);
    expect(ticks('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2028-02-29T00:00']);
    expect(ticks('0 9 L * MON-FRI', 'UTC', '2026-01-28T10:00:00Z', 1)).toEqual(['2026-01-29T09:00']);
  });
});

describe('ticks that were missed', () => {
  const due = (missed: MissedTicks, from: string, now: string, expression = '0 * * * *'): string[] => dueTicks({ expression, timezone: 'UTC', missed }, new Date(from), new Date(now)).run.map((tick) => tick.toISOString().slice(0, 16));

  it('are skipped, run once or all run; one that is on time always runs', () => {
    const from = '2026-01-01T03:00:00Z';
    expect([due('skip', from, '2026-01-01T06:30:00Z'), due('once', from, '2026-01-01T06:30:00Z')]).toEqual([[], ['2026-01-01T06:00']]);
    expect(due('all', from, '2026-01-01T06:30:00Z')).toEqual(['2026-01-01T03:00', '2026-01-01T04:00', '2026-01-01T05:00', '2026-01-01T06:00']);
    for (const missed of ['skip', 'once', 'all'] as const) expect(due(missed, from, '2026-01-01T03:00:30Z')).toEqual(['2026-01-01T03:00']);
    expect(due('skip', from, '2026-01-01T06:00:10Z')).toEqual(['2026-01-01T06:00']);
    for (const missed of ['skip', 'once', 'all'] as const) expect(due(missed, '2026-01-01T07:00:00Z', '2026-01-01T06:00:10Z')).toEqual([]);
  });

  it('of many years are found without going through them, and are a thousand at most', () => {
    const many = due('all', '2016-01-01T00:00:00Z', '2026-01-01T00:00:30Z', '* * * * *');
    expect([many.length, many.at(-1)]).toEqual([1_000, '2026-01-01T00:00']);
    expect(due('once', '1996-01-01T00:00:00Z', '2026-06-01T00:00:00Z', '0 0 1 1 *')).toEqual(['2026-01-01T00:00']);
  });

  it.each(['skip', 'once', 'all'] as const)('are no others on the days on which clocks are moved: %s', (missed) => {
    const run = (timezone: string, expression: string, from: string, now: string): string[] => dueTicks({ expression, timezone, missed }, new Date(from), new Date(now)).run.map((tick) => tick.toISOString());
    expect(run('Europe/Berlin', '30 2 * * *', '2026-03-29T01:30:00.000Z', '2026-03-29T01:30:00.400Z')).toEqual(['2026-03-29T01:30:00.000Z']);
    expect(run('America/New_York', '30 2 * * *', '2026-03-08T07:30:00.000Z', '2026-03-08T07:30:00.400Z')).toEqual(['2026-03-08T07:30:00.000Z']);
    expect(run('Europe/London', '30 1 * * *', '2026-03-29T01:30:00.000Z', '2026-03-29T01:30:00.400Z')).toEqual(['2026-03-29T01:30:00.000Z']);
  });

  it('are followed by the next that is yet to come', () => {
    expect(dueTicks({ expression: '0 2 * * *', timezone: 'Europe/Berlin', missed: 'skip' }, new Date('2026-03-20T01:00:00Z'), new Date('2026-03-28T12:00:00Z')).next.toISOString()).toBe('2026-03-29T01:00:00.000Z');
  });
});

describe('a schedule', () => {
  it.each(['*/5 * * * *', '@daily', '0 0 29 2 *', '0 0 * jan,FEB MON-FRI', '0 0 L * *', ' 0 0 1 * * '])('may be %j', (expression) => {
    expect(scheduleFault({ expression, timezone: 'Europe/Berlin' })).toBeUndefined();
  });
  it.each(['', '* *', 'x', '* * * * * *', '60 * * * *', '0 0 30 2 *', 'H 0 * * *', '@every', '@reboot', '*/0 * * * *', '* * * * *'.padEnd(200)+'x', '1,'.repeat(100)])('may not be %j', (expression) => {
    expect(scheduleFault({ expression, timezone: 'UTC' })?.field).toBe('expression');
  });
  it.each(['Mars/Olympus', '+02:00', '', '../etc', 'Europe/Berlin\n'])('has no time zone %j', (timezone) => {
    expect(scheduleFault({ expression: '@daily', timezone })?.field).toBe('timezone');
  });
});
