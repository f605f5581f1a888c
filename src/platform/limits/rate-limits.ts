import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { Loops } from '../jobs/loops.js';
import { networkOf } from '../networks/ip-ranges.js';
import { StartupError } from '../startup-error.js';

interface Limit {
  /** How many in a window. */
  points: number;
  /** Length of the window, in seconds. */
  seconds: number;
  /** What is counted, for the documents. */
  counts: string;
}

/** Every limit there is; the OpenAPI document shows them as `x-ratelimit`. */
export const RATE_LIMITS = {
  api: { points: 120_000, seconds: 60, counts: 'requests per credential' },
  tenant: { points: 1_000_000_000, seconds: 60, counts: 'requests of the tenant' },
  auth: { points: 60, seconds: 60, counts: 'failed authentications per address' },
  'agent-auth': { points: 20, seconds: 60, counts: 'failed agent authentications per address' },
  login: { points: 30, seconds: 60, counts: 'sign-in attempts per address' },
  sso: { points: 120, seconds: 60, counts: 'steps of single sign-ons per address' },
  mfa: { points: 60, seconds: 60, counts: 'second factor attempts per address' },
  refresh: { points: 300, seconds: 60, counts: 'token refreshes per address' },
  register: { points: 20, seconds: 60, counts: 'registrations per address' },
  'audit-bulk': { points: 120, seconds: 60, counts: 'exports and verifications of the audit log per address' },
  'approval-link': { points: 60, seconds: 60, counts: 'visits to links of approvals per address' },
  'webhook-ingest': { points: 60, seconds: 60, counts: 'messages to webhooks per address' },
  intake: { points: 10, seconds: 60, counts: 'forms per address' },
  setup: { points: 20, seconds: 60, counts: 'setup attempts per address' },
  'setup-status': { points: 600, seconds: 60, counts: 'looks at the state of setup per address' },
} as const satisfies Record<string, Limit>;

export type RateLimitName = keyof typeof RATE_LIMITS;

/** How long an address that may still try is taken for one: each look is a round trip to Redis, and every request needs one. */
const LOOK_AGAIN_MS = 1_000;
const MOST_REMEMBERED = 10_000;
/** A Redis that takes longer to answer is as good as away: every request waits for it. */
const REDIS_ANSWERS_MS = 250;
const REDIS_CONNECTS_MS = 2_000;
const LOOK_MS = 500;

/**
 * Rate limits, per process or shared through Redis. When Redis goes away later, counting goes on in this process: a
 * limit is never simply off.
 */
@Injectable()
export class RateLimits implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(RateLimits.name);
  private readonly limiters = new Map<RateLimitName, RateLimiterAbstract>();
  private redis: Redis | undefined;
  private warned = false;
  /** Keys of which a look showed that they are not spent. Whatever this process counts against one makes it look again. */
  private readonly unspent = new LRUCache<string, true>({ max: MOST_REMEMBERED, ttl: LOOK_AGAIN_MS });

  constructor(
    private readonly config: Config,
    private readonly loops: Loops,
  ) {}

  /** @throws StartupError when Redis is asked for and cannot be reached */
  async onModuleInit(): Promise<void> {
    if (this.config.get('RATE_LIMIT_BACKEND') === 'redis') this.redis = await this.connect();
    for (const name of Object.keys(RATE_LIMITS) as RateLimitName[]) this.limiters.set(name, this.limiter(name));
  }

  onApplicationBootstrap(): void {
    if (this.redis) this.loops.every('rate-limits-redis', LOOK_MS, () => this.look());
  }

  async onApplicationShutdown(): Promise<void> {
    this.redis?.disconnect();
    await Promise.resolve();
  }

  /**
   * Counts one against a limit, by the network that the request comes from or by `key`.
   * @param most when it is less than the limit says
   * @throws Problem `rate_limited` with the time of the next try
   */
  async consume(name: RateLimitName, request: Request, key: string = this.networkOf(request), most: number = RATE_LIMITS[name].points): Promise<void> {
    const state = await this.limiterOf(name)
      .consume(key)
      .catch(stateOf)
      .finally(() => this.unspent.delete(`${name} ${key}`));
    this.showHeaders(most, request.res, state);
    if (state.consumedPoints > most) throw this.refusal(name, state, most);
  }

  /**
   * Refuses a network of which `most` were counted, without counting: for limits that count failures alone. What another
   * process counts is known here within a second.
   */
  async refuseWhenSpent(name: RateLimitName, request: Request, most: number): Promise<void> {
    const key = this.networkOf(request);
    if (this.unspent.has(`${name} ${key}`)) return;
    const state = await this.limiterOf(name).get(key);
    if (state && state.consumedPoints >= most) throw this.refusal(name, state);
    this.unspent.set(`${name} ${key}`, true);
  }

  /** Tells how a limit stands, without counting. */
  async show(name: RateLimitName, request: Request): Promise<void> {
    const state = await this.limiterOf(name).get(this.networkOf(request));
    this.showHeaders(RATE_LIMITS[name].points, request.res, state ?? new RateLimiterRes(0, RATE_LIMITS[name].seconds * 1000, 0));
  }

  private refusal(name: RateLimitName, state: RateLimiterRes, most: number = RATE_LIMITS[name].points): Problem {
    return new Problem('rate_limited', {
      detail: `More than ${most} ${RATE_LIMITS[name].counts} in ${RATE_LIMITS[name].seconds} s.`,
      retryAt: new Date(Date.now() + Math.max(1, state.msBeforeNext)),
      limit: most,
      current: state.consumedPoints,
    });
  }

  /** Where a request comes from, as far as its sender cannot choose it. */
  private networkOf({ ip, headers }: Request): string {
    if (!this.warned && this.config.get('TRUST_PROXY') === '' && headers?.['x-forwarded-for'] !== undefined) {
      this.warned = true;
      this.logger.warn('A request came with X-Forwarded-For, and TRUST_PROXY names no proxy: all that come through it count as one address. Set TRUST_PROXY.');
    }
    return networkOf(ip);
  }

  /** `RateLimit-*` of draft-ietf-httpapi-ratelimit-headers-07: of several limits the one of which the smallest share is left. */
  private showHeaders(most: number, response: Response | undefined, state: RateLimiterRes): void {
    if (!response || response.headersSent) return;
    const remaining = Math.max(0, most - state.consumedPoints);
    const shown = response.getHeader('RateLimit-Limit');
    if (shown !== undefined && Number(response.getHeader('RateLimit-Remaining')) / Number(shown) <= remaining / most) return;
    response.setHeader('RateLimit-Limit', String(most));
    response.setHeader('RateLimit-Remaining', String(remaining));
    response.setHeader('RateLimit-Reset', String(Math.ceil(state.msBeforeNext / 1000)));
  }

  private limiterOf(name: RateLimitName): RateLimiterAbstract {
    const limiter = this.limiters.get(name);
    if (!limiter) throw new Error(`The rate limit ${name} is used before start.`);
    return limiter;
  }

  private limiter(name: RateLimitName): RateLimiterAbstract {
    const { points, seconds } = RATE_LIMITS[name];
    const memory = new RateLimiterMemory({ keyPrefix: name, points, duration: seconds });
    if (!this.redis) return memory;
    return new RateLimiterRedis({ storeClient: this.redis, keyPrefix: `wheelhouse:limit:${name}`, points, duration: seconds, insuranceLimiter: memory, rejectIfRedisNotReady: true });
  }

  /** A server that is stuck keeps its connections: without one, counting goes on in this process at once, until it answers again. */
  private async look(): Promise<void> {
    const redis = this.redis;
    if (redis?.status !== 'ready') return;
    try {
      await redis.ping();
    } catch (error) {
      this.logger.warn(`Redis: ${error instanceof Error ? error.message : String(error)}; limits are counted in this process meanwhile.`);
      redis.disconnect(true);
    }
  }

  private async connect(): Promise<Redis> {
    const redis = new Redis(this.config.get('REDIS_URL') ?? '', { lazyConnect: true, maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: REDIS_ANSWERS_MS, connectTimeout: REDIS_CONNECTS_MS });
    redis.on('error', (error: Error) => this.logger.warn(`Redis: ${error.message}; limits are counted in this process meanwhile.`));
    try {
      await redis.connect();
      await redis.ping();
      return redis;
    } catch (cause) {
      redis.disconnect();
      throw new StartupError(`Redis unreachable (${cause instanceof Error ? cause.message : 'unknown error'}): check REDIS_URL`);
    }
  }
}

/** What the limiter throws when a limit is reached says how it stands, too. */
function stateOf(thrown: unknown): RateLimiterRes {
  if (thrown instanceof RateLimiterRes) return thrown;
  throw thrown;
}
