import { errorOf, resultOf } from './outcome.ts';

describe('resultOf', () => {
  it('takes JSON for what it is, and anything else as text', () => {
    expect(resultOf('{"lines": 3}\n')).toEqual({ lines: 3 });
    expect(resultOf('42')).toBe(42);
    expect(resultOf('all done\n')).toEqual({ stdout: 'all done\n' });
    expect(resultOf(' \n')).toBeNull();
    expect(resultOf('a\0b')).toEqual({ stdout: 'a\u{FFFD}b' });
  });
});

describe('errorOf', () => {
  it('says how it ended, with the end of stderr, within the limit', () => {
    expect(errorOf('exit code 3', '')).toBe('exit code 3');
    expect(errorOf('exit code 3', 'no such file\n')).toBe('exit code 3: no such file');
    const long = errorOf('exit code 3', `${'x'.repeat(20_000)}end`);
    expect(long).toHaveLength(10_000);
    expect(long.endsWith('end')).toBe(true);
  });
});
