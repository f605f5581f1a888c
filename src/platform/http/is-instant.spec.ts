import { isInstant } from './is-instant.js';

describe('isInstant', () => {
  it.each(['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.123+02:00', '2026-01-31T09:30Z', '2024-02-29T00:00:00Z', '9999-12-31T23:59:59.999Z', '0001-01-01T00:00:00Z'])('takes %s', (text) => {
    expect(isInstant(text)).toBe(true);
    expect(Number.isNaN(new Date(text).getTime())).toBe(false);
  });
  it.each(['2026-02-31T00:00:00Z', '9999-12-31T23:59:59-23:59', '9999-12-31T23:59:59.999-00:01', '0001-01-01T00:00:00+00:01', '0000-06-01T00:00:00Z', '2026-01-31T09:30:60Z', '2026-01-31T25:00:00Z', '2026-W01-1T00:00:00Z', '2026-01-31T09:30:00', '2026-01-31', 'now', '', 5, null, ['2026-01-31T09:30:00Z']])('refuses %p', (value) => {
    expect(isInstant(value)).toBe(false);
  });
  it('takes a day where that is allowed', () => {
    expect([isInstant('2026-01-31', true), isInstant('2026-02-30', true)]).toEqual([true, false]);
  });
});
