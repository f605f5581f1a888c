import { globSync, readFileSync } from 'node:fs';
import { ADVISORY_LOCKS } from './advisory-locks.js';

describe('advisory locks', () => {
  it('have numbers of their own, and all of them are in the register', () => {
    const numbers = Object.values(ADVISORY_LOCKS);
    expect(new Set(numbers).size).toBe(numbers.length);
    const elsewhere = globSync('src/**/*.ts').filter((path) => !path.includes('advisory-locks') && /\b7_?305_?803_?\d{3}\b|const \w+_LOCK = \d+[\d_]{6,};/.test(readFileSync(path, 'utf8')));
    expect(elsewhere).toEqual([]);
  });
});
