import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { Problem } from '../../core/problem.js';
import { hashToken } from '../crypto/tokens.js';
import { RATE_LIMITS, type RateLimitName, RateLimits } from '../limits/rate-limits.js';
import type { Credential } from './credentials.js';

/**
 * How many credentials of an address that fail are looked at for each that it may have wrong. Those beyond the limit are told
 * to wait; those beyond this are not looked up any more, so that no flood of rubbish gets through to the database.
 */
const LOOKED_AT_FOR_EACH = 10;
const MOST_REMEMBERED = 20_000;
const REMEMBERED_MS = 3_600_000;

/**
 * Limits guessing by address. Only what fails is counted and refused: who has a good credential is let in, whatever else comes
 * from the same address. One that was good lately is looked at even when the address floods.
 */
@Injectable()
export class Guesses {
  /** Hashes of credentials that were good here. They say nothing of whether they still are: each is checked all the same. */
  private readonly good = new LRUCache<string, true>({ max: MOST_REMEMBERED, ttl: REMEMBERED_MS, ttlResolution: 1_000 });

  constructor(private readonly limits: RateLimits) {}

  /** @throws Problem `rate_limited` in the place of a failure when there were too many, and what `check` throws */
  async judge<T>(credential: Credential, request: Request, check: () => Promise<T>): Promise<T> {
    const limit: RateLimitName = credential.kind === 'agent_token' ? 'agent-auth' : 'auth';
    const mark = hashToken(credential.value).toString('base64');
    const known = this.good.has(mark);
    if (!known) await this.limits.refuseWhenSpent(limit, request, RATE_LIMITS[limit].points * LOOKED_AT_FOR_EACH);
    try {
      const checked = await check();
      if (!known) this.good.set(mark, true);
      return checked;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        this.good.delete(mark);
        await this.limits.consume(limit, request);
      }
      throw error;
    }
  }
}
