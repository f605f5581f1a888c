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
