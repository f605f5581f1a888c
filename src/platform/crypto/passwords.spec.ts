import { Problem } from '../../core/problem.js';
import { Passwords } from './passwords.js';

const codeOf = (error: unknown): string => (error instanceof Problem ? error.code : String(error));

describe('Passwords', () => {
  it('answers for an account that is not there when the first check met a crowd', async () => {
    const passwords = new Passwords();
    const crowd = Promise.allSettled(Array.from({ length: 130 }, () => passwords.verify(null, 'p')));
    expect(await passwords.verify(null, 'p').catch(codeOf)).toBe('unavailable');
    await crowd;
    expect(await passwords.verify(null, 'p')).toBe(false);
  });

  it('checks passwords while more accounts are made than can wait', async () => {
    const passwords = new Passwords();
    const stored = await passwords.hash('right');
    let made = 0;
    const crowd = Promise.allSettled(Array.from({ length: 130 }, () => passwords.hash('p').then(() => (made += 1))));
    expect(await passwords.hash('one more').catch(codeOf)).toBe('unavailable');
    expect(await passwords.verify(stored, 'right')).toBe(true);
    expect(made).toBeLessThan(20);
    await crowd;
  });
});
