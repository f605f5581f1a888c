import { parseOptions, UsageError } from './options.ts';

const argv = (text: string): string[] => text.split(' ');

describe('parseOptions', () => {
  it('reads a command line, with defaults', () => {
    expect(parseOptions(argv('--url http://localhost:3000 --token abc --exec wc --concurrency 4'), {})).toEqual({
      url: 'http://localhost:3000/',
      token: { value: 'abc' },
      command: 'wc',
      concurrency: 4,
      leaseSeconds: 60,
      waitSeconds: 20,
      graceSeconds: 10,
      maxOutputBytes: 900_000,
      logFormat: 'text',
    });
    expect(parseOptions(['--help'], {})).toBe('help');
  });

  it('takes the token from the environment or a file', () => {
    const base = argv('--url http://localhost --exec wc');
    expect(parseOptions(base, { WHEELHOUSE_AGENT_TOKEN: 'abc' })).toMatchObject({ token: { value: 'abc' } });
    expect(parseOptions([...base, '--token-file', '/run/token'], { WHEELHOUSE_AGENT_TOKEN: 'abc' })).toMatchObject({
      token: { file: '/run/token' },
    });
    expect(() => parseOptions(base, {})).toThrow('no token');
  });

  it.each([
    ['--token abc --exec wc', '--url is missing'],
    ['--url ftp://x --token abc --exec wc', 'http or https'],
    ['--url http://x --token abc', '--exec is missing'],
    ['--url http://x --token abc --exec wc --concurrency 0', '--concurrency'],
    ['--url http://x --token abc --exec wc --lease 1e3', '--lease'],
    ['--url http://x --token abc --token-file y --exec wc', 'give one'],
    ['--url http://x --token abc --exec wc --log xml', '--log'],
    ['--url http://x --token abc --exec wc --colour', 'colour'],
    ['--url http://x --token abc --exec wc stray', 'stray'],
  ])('refuses %s', (text, message) => {
    expect(() => parseOptions(argv(text), {})).toThrow(UsageError);
    expect(() => parseOptions(argv(text), {})).toThrow(message);
  });
});
