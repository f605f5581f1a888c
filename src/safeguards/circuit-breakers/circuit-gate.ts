import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../core/clock.js';
import { Problem } from '../../core/problem.js';
import { Batcher } from '../../platform/database/batcher.js';
import { Breakers, type CallTarget, FREE_PASSAGE, type Passage } from '../../platform/egress/breakers.port.js';
import { BreakerMetrics } from './breaker-metrics.js';
import { targetText } from './breaker-target.js';
import { CallWindow } from './call-window.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import { rateBroken } from './circuit-breaker.machine.js';
import { CircuitBreakersRepository } from './circuit-breakers.repository.js';
import { CircuitStates, type Failure } from './circuit-states.js';
import { KnownBreakers, type TenantBreakers } from './known-breakers.js';

/** Failures of one breaker that are counted in one transaction. */
const MOST_TOGETHER = 200;
/** When no probe is free, somebody may ask again in so many milliseconds. */
const PROBE_AGAIN_MS = 1_000;
/** A process that found no free probe does not ask the database again for so long. */
const PROBES_TAKEN_MS = 50;

/** Where nothing says that calls are slow sooner: as long as a call waits of which nobody says how long. */
const FAIR_PATIENCE_MS = 10_000;

/** Breakers whose calls a process counts; one that has not been called for longest is counted anew. */
const MOST_REMEMBERED = 20_000;

/** Leave to hand out a task: when it is a probe, the task is it. */
export interface TaskPassage extends Passage {
  readonly probe: boolean;
  handedOut(taskId: string): Promise<void>;
}

/** The calls that went through to a breaker's target in an epoch. */
interface Window {
  epoch: number;
  seconds: number;
  calls: CallWindow;
}

interface Counted {
  breaker: CircuitBreaker;
  failure: Failure;
}

/** Lets calls through, counts how they end, and refuses them behind an open breaker. */
@Injectable()
export class CircuitGate extends Breakers {
  private readonly logger = new Logger(CircuitGate.name);
  private readonly windows = new LRUCache<string, Window>({ max: MOST_REMEMBERED });
  private readonly probesTaken = new LRUCache<string, number>({ max: MOST_REMEMBERED });
  private readonly counting = new Batcher<Counted, undefined>((_key, counted) => this.countTogether(counted), MOST_TOGETHER, 1, { concernsAll: () => true });

  constructor(
    private readonly known: KnownBreakers,
    private readonly repository: CircuitBreakersRepository,
    private readonly states: CircuitStates,
    private readonly metrics: BreakerMetrics,
    private readonly clock: Clock,
  ) {
    super();
  }

  enter(tenantId: string, targets: readonly CallTarget[]): Promise<Passage> {
    return this.enterForTask(tenantId, targets);
  }

  async closedTo(tenantId: string, tools: readonly string[]): Promise<string[]> {
    const known = await this.known.of(tenantId);
    return tools.filter((name) => known.over([{ kind: 'tool', name }]).some(({ state }) => state !== 'closed'));
  }

  /** Like `enter`, for a task: its end is told by `taskEnded`. */
  async enterForTask(tenantId: string, targets: readonly CallTarget[]): Promise<TaskPassage> {
    const known = await this.known.of(tenantId);
    const standing = known.over(targets);
    if (standing.length === 0) return FREE;
    const passages: TaskPassage[] = [];
    try {
      for (const breaker of standing) passages.push(await this.pass(known, breaker));
    } catch (error) {
      await Promise.all(passages.map((passage) => passage.abandoned()));
      throw error;
    }
    return together(passages);
  }

  /** How a task ended that was handed out past these breakers. */
  async taskEnded(breakers: readonly CircuitBreaker[], taskId: string, succeeded: boolean, failure: Failure): Promise<void> {
    for (const breaker of breakers) {
      if (breaker.state === 'half_open') await this.states.probeEnded(breaker, { taskId }, succeeded ? 'succeeded' : 'failed', failure.reason);
      else if (breaker.state === 'closed') await this.count(breaker, succeeded ? undefined : failure, 0);
    }
  }

  private async pass(known: TenantBreakers, breaker: CircuitBreaker): Promise<TaskPassage> {
    if (breaker.state === 'closed') return this.closedPassage(breaker);
    const wait = breaker.state === 'open' ? known.untilProbe(breaker) : 0;
    if (wait > 0) throw this.refusal(breaker, wait);
    const taken = this.probesTaken.get(breaker.id) ?? 0;
    if (breaker.state === 'half_open' && this.clock.monotonicMs() < taken) throw this.refusal(breaker, PROBE_AGAIN_MS);
    const answer = await this.states.probe(breaker);
    if ('probeId' in answer) return this.probePassage(breaker, answer.probeId);
    const { breaker: now } = answer;
    if (!now) return FREE;
    if (now.state === 'closed') return this.closedPassage(now);
    if (now.state === 'half_open') this.probesTaken.set(breaker.id, this.clock.monotonicMs() + PROBES_TAKEN_MS);
    const left = now.next_probe_at ? Math.max(PROBE_AGAIN_MS, now.next_probe_at.getTime() - this.clock.now().getTime()) : PROBE_AGAIN_MS;
    throw this.refusal(now, now.forced ? Number.POSITIVE_INFINITY : left);
  }

  private closedPassage(breaker: CircuitBreaker): TaskPassage {
    return {
      ...FREE,
      succeeded: (ms) => this.count(breaker, undefined, ms),
      failed: (reason, ms) => this.count(breaker, { reason }, ms),
      timedOut: (reason, patienceMs) => (isFair(breaker, patienceMs) ? this.count(breaker, { reason }, patienceMs) : Promise.resolve()),
    };
  }

  private probePassage(breaker: CircuitBreaker, probeId: string): TaskPassage {
    const end = (outcome: 'succeeded' | 'failed' | 'abandoned', reason: string): Promise<void> => this.told(breaker, () => this.states.probeEnded(breaker, { id: probeId }, outcome, reason));
    return {
      probe: true,
      succeeded: (ms) => (isSlow(breaker, ms) && breaker.slow_call_rate !== null ? end('failed', 'The call was slow.') : end('succeeded', '')),
      failed: (reason) => end('failed', reason),
      timedOut: (reason, patienceMs) => (isFair(breaker, patienceMs) ? end('failed', reason) : end('abandoned', '')),
      abandoned: () => end('abandoned', ''),
      handedOut: (taskId) => this.repository.bindProbe(breaker, probeId, taskId),
    };
  }

  /** Counts a call in memory; what failed also in the database, where the failures of all processes come together. */
  private async count(breaker: CircuitBreaker, failure: Failure | undefined, ms: number): Promise<void> {
    if (breaker.forced) return;
    const counts = this.windowOf(breaker).add({ failed: failure !== undefined, slow: isSlow(breaker, ms) });
    const broken = rateBroken(breaker, counts);
    if (broken !== undefined) await this.told(breaker, () => this.states.trip(breaker, broken, counts));
    else if (failure && breaker.failure_threshold !== null) await this.told(breaker, () => this.counting.add(`${breaker.id} ${breaker.epoch}`, { breaker, failure }).then(() => undefined));
  }

  private async countTogether(counted: readonly Counted[]): Promise<undefined[]> {
    const [first] = counted;
    if (first) await this.states.failed(first.breaker, counted.map(({ failure }) => failure));
    return counted.map(() => undefined);
  }

  /** The call has its own answer: that it could not be counted is no reason to lose that. */
  private async told(breaker: CircuitBreaker, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.logger.warn({ err: error, breaker: breaker.id }, 'The end of a call could not be counted by its circuit breaker.'));
  }

  private windowOf({ id, epoch, window_seconds: seconds }: CircuitBreaker): CallWindow {
    const found = this.windows.get(id);
    if (found?.epoch === epoch && found.seconds === seconds) return found.calls;
    const calls = new CallWindow(seconds, () => this.clock.monotonicMs());
    // A call that began before the breaker opened and ends only now says nothing about what came after.
    if (found && found.epoch > epoch) return calls;
    this.windows.set(id, { epoch, seconds, calls });
    return calls;
  }

  private refusal(breaker: CircuitBreaker, waitMs: number): Problem {
    const target = targetText({ kind: breaker.target_kind, name: breaker.target_name });
    this.metrics.refused(breaker.target_kind);
    const known = Number.isFinite(waitMs);
    return new Problem('circuit_open', {
      detail: breaker.forced ? `The circuit breaker ${breaker.name} over ${target} is held open.` : `The circuit breaker ${breaker.name} over ${target} is ${breaker.state === 'open' ? 'open' : 'half open, and its probes are under way'}.`,
      extra: { breaker: breaker.name, target, scope: breaker.scope },
      ...(known ? { retryAt: new Date(this.clock.now().getTime() + waitMs) } : { remedy: 'An administrator must close it.' }),
    });
  }
}

const FREE: TaskPassage = { ...FREE_PASSAGE, probe: false, handedOut: () => Promise.resolve() };

const isSlow = ({ slow_call_ms: limit }: CircuitBreaker, ms: number): boolean => limit !== null && ms >= limit;

/** Whether a caller has waited long enough for its waiting in vain to be the target's failure: others share the breaker. */
const isFair = ({ slow_call_ms: slow }: CircuitBreaker, patienceMs: number): boolean => patienceMs >= Math.min(slow ?? FAIR_PATIENCE_MS, FAIR_PATIENCE_MS);

function together(passages: readonly TaskPassage[]): TaskPassage {
  const [only] = passages;
  if (passages.length === 1 && only) return only;
  const each = async (tell: (passage: TaskPassage) => Promise<void>): Promise<void> => {
    await Promise.all(passages.map(tell));
  };
  return {
    probe: passages.some(({ probe }) => probe),
    succeeded: (ms) => each((passage) => passage.succeeded(ms)),
    failed: (reason, ms) => each((passage) => passage.failed(reason, ms)),
    timedOut: (reason, patienceMs) => each((passage) => passage.timedOut(reason, patienceMs)),
    abandoned: () => each((passage) => passage.abandoned()),
    handedOut: (taskId) => each((passage) => passage.handedOut(taskId)),
  };
}
