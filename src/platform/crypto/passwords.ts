import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { Algorithm, hash, verify } from '@node-rs/argon2';
import { Problem } from '../../core/problem.js';

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const PARAMETERS = { algorithm: Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Half of the processors, and of the threads that Node.js does such work in: however many sign in, the rest is for everything else. */
const MOST_AT_ONCE = Math.min(2, Math.max(1, Math.floor(availableParallelism() / 2)));
const MOST_WAITING = 100;

/** What a password is hashed for: to look whether it is right, or for an account that gets it. */
type Purpose = 'check' | 'make';

/** Hashes passwords with argon2id, a few at a time; never call it inside a transaction. */
@Injectable()
export class Passwords {
  private running = 0;
  /** Two queues that take turns: however many make accounts, who has one signs in. */
  private readonly waiting: Record<Purpose, (() => void)[]> = { check: [], make: [] };
  private last: Purpose = 'make';
  /** Made at the start, past the queue: an account that is not there must never be told by its hash failing. */
  private readonly decoy = hash('no account has this password', PARAMETERS);

  /** @throws Problem `unavailable` when too many wait */
  hash(password: string): Promise<string> {
    return this.inTurn('make', () => hash(password.normalize('NFKC'), PARAMETERS));
  }

  /** Takes the same time for an account without a password as for one with a wrong one. @throws Problem `unavailable` when too many wait */
  async verify(stored: string | null | undefined, password: string): Promise<boolean> {
    const against = stored ?? (await this.decoy);
    const same = await this.inTurn('check', () => verify(against, password.normalize('NFKC')));
    return same && stored !== null && stored !== undefined;
  }

  private async inTurn<T>(purpose: Purpose, work: () => Promise<T>): Promise<T> {
    const queue = this.waiting[purpose];
    if (queue.length >= MOST_WAITING) throw new Problem('unavailable', { detail: 'Too many passwords to check at once.', retryAt: new Date(Date.now() + 2000) });
    if (this.running >= MOST_AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.next();
      if (next) next();
      else this.running -= 1;
    }
  }

  private next(): (() => void) | undefined {
    const other = this.last === 'check' ? 'make' : 'check';
    this.last = this.waiting[other].length > 0 ? other : this.last;
    return this.waiting[this.last].shift();
  }
}
