import { shown } from './shown-values.js';

const LONGEST = 65_536;

describe('a value in a list', () => {
  it.each([[null], [0], [false], ['x'], [{ a: [1, { b: null }] }]])('is whole when it is short: %j', (value) => expect(shown(value)).toBe(value));

  it('is whole up to so many characters of JSON as the database writes it', () => {
    const text = 'x'.repeat(LONGEST - 2);
    expect(shown(text)).toBe(text);
    expect(shown(`${text}x`)).toEqual({ truncated: true, characters: LONGEST + 1, start: `"${'x'.repeat(999)}` });
    expect(shown({ a: [1, 'x'.repeat(LONGEST)] })).toMatchObject({ characters: LONGEST + '{"a": [1, ""]}'.length, start: expect.stringMatching(/^\{"a": \[1, "x+$/) as string });
  });

  it('is counted and cut by characters, never within one', () => {
    const few = '😀'.repeat(LONGEST - 2);
    expect(shown(few)).toBe(few);
    expect(shown(`${few}!`)).toEqual({ truncated: true, characters: LONGEST + 1, start: `"${'😀'.repeat(999)}` });
  });
});
