import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { Algorithm, hash, verify } from '@node-rs/argon2';
import { Problem } from '../../core/problem.js';

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const PARAMETERS = { algorithm: Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Half of the processors, and of the threads that Node.js does such work in: however many sign in, the rest is for everything else. */
const MOST_AT_ONCE = Math.min(2, Math.max(1, Math.floor(availableParallelism() / 2)));
const MOST_WAITING = 100;

/** Hashes passwords with argon2id, a few at a time; never call it inside a transaction. */
@Injectable()
export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private decoy: Promise<string> | undefined;

  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password.normalize('NFKC'), PARAMETERS));
  }

  /** Takes the same time for an account without a password as for one with a wrong one. */
  async verify(stored: string | null | undefined, password: string): Promise<boolean> {
    this.decoy ??= this.hash('no account has this password');
    const against = stored ?? (await this.decoy);
    const same = await this.inTurn(() => verify(against, password.normalize('NFKC')));
    return same && stored !== null && stored !== undefined;
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting.length >= MOST_WAITING) throw new Problem('unavailable', { detail: 'Too many sign-ins at once.', retryAt: new Date(Date.now() + 2000) });
    if (this.running >= MOST_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
