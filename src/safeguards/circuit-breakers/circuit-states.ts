import { Injectable, Logger } from '@nestjs/common';
import { Revocations } from '../../platform/cache/revocations.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { besideTransaction } from '../../platform/database/transaction-scope.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { Events } from '../../platform/events/events.js';
import { BreakerMetrics } from './breaker-metrics.js';
import { BY_ITSELF, endProbe, lendProbe, type LockedBreaker, lockBreaker, probesUnderWay, type Run, storeCounts, storeStanding } from './breaker-rows.js';
import { breakerTag } from './breaker-tags.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import { admitsProbe, type BreakerStanding, type CallCounts, type FailureMark, halfOpened, isProbeDue, opened, probed, withFailures } from './circuit-breaker.machine.js';

export interface Failure {
  /** By the database's clock; left out, now. */
  at?: Date;
  /** What told of it: told again it counts once. */
  key?: string;
  reason: string;
}

/** What comes of asking for a probe. */
export type ProbeAnswer = { probeId: string } | { breaker: CircuitBreaker | undefined };

/** What a change makes of a breaker; `answer` is the caller's. */
interface Change<T> {
  answer: T;
  next?: { standing: BreakerStanding; reason: string; counts?: CallCounts };
}

/**
 * Changes that no person makes. The row is locked for each, so that one process wins and the others see what it did; when it
 * is answered, every process has heard of it.
 */
@Injectable()
export class CircuitStates {
  private readonly logger = new Logger(CircuitStates.name);

  constructor(
    private readonly database: SystemDatabase,
    private readonly events: Events,
    private readonly signal: EventSignal,
    private readonly revocations: Revocations,
    private readonly metrics: BreakerMetrics,
  ) {}

  /** Counts failures of calls that were let through in an epoch, over all processes. */
  async failed(breaker: CircuitBreaker, failures: readonly Failure[]): Promise<void> {
    await this.change(breaker, async (run, row) => {
      if (row.state !== 'closed' || row.forced || row.epoch !== breaker.epoch) return { answer: undefined };
      const marks = failures.map(({ at, key }): FailureMark => [Math.min((at ?? row.now).getTime(), row.now.getTime()), key ?? null]);
      const { failures: kept, tripped } = withFailures(row, marks, row.now);
      if (!tripped) {
        await storeCounts(run, row, { failures: kept, half_open_successes: row.half_open_successes });
        return { answer: undefined };
      }
      const reason = `${kept.length} failures within ${row.window_seconds} s; the last: ${failures.at(-1)?.reason ?? ''}`;
      return { answer: undefined, next: { standing: opened(row, row.now), reason, counts: { calls: kept.length, failures: kept.length, slow: 0 } } };
    });
  }

  /** Opens it for what a process has counted, if it is still as it was then. */
  async trip(breaker: CircuitBreaker, reason: string, counts: CallCounts): Promise<void> {
    await this.change(breaker, (_run, row) => {
      const same = row.state === 'closed' && !row.forced && row.epoch === breaker.epoch;
      return Promise.resolve(same ? { answer: undefined, next: { standing: opened(row, row.now), reason, counts } } : { answer: undefined });
    });
  }

  /** Lends a probe if there is one; the first one after the time has passed makes the breaker half open. */
  async probe(breaker: CircuitBreaker): Promise<ProbeAnswer> {
    const answer = await this.change<ProbeAnswer>(breaker, async (run, row) => {
      const due = isProbeDue(row, row.now);
      const now = due ? { ...row, ...halfOpened(row) } : row;
      const next = due ? { next: { standing: halfOpened(row), reason: 'The time that it stays open is over.' } } : {};
      if (due) return { answer: { breaker: now }, ...next };
      if (now.state !== 'half_open' || !admitsProbe(now, await probesUnderWay(run, now))) return { answer: { breaker: now } };
      return { answer: { probeId: await lendProbe(run, now, this.revocations.processId) } };
    });
    // It has just become half open, by this call: now there are probes.
    if (answer && 'breaker' in answer && answer.breaker?.state === 'half_open' && breaker.state === 'open' && answer.breaker.epoch === breaker.epoch + 1) return this.probe(answer.breaker);
    return answer ?? { breaker: undefined };
  }

  /** What became of a probe. One that was taken back meanwhile counts for nothing. */
  async probeEnded(breaker: CircuitBreaker, probe: { id: string } | { taskId: string }, outcome: 'succeeded' | 'failed' | 'abandoned', reason: string): Promise<void> {
    await this.change(breaker, async (run, row) => {
      if (!(await endProbe(run, row, probe)) || outcome === 'abandoned' || row.state !== 'half_open') return { answer: undefined };
      const standing = probed(row, outcome === 'succeeded', row.now);
      if (standing.state !== 'half_open') return { answer: undefined, next: { standing, reason: outcome === 'failed' ? `A probe failed: ${reason}` : `${row.success_threshold} probes succeeded.` } };
      await storeCounts(run, row, standing);
      return { answer: undefined };
    });
  }

  /** @returns undefined when the breaker is gone */
  private async change<T>({ tenant_id: tenantId, id }: CircuitBreaker, decide: (run: Run, row: LockedBreaker) => Promise<Change<T>>): Promise<T | undefined> {
    const done = await besideTransaction(() =>
      this.database.transaction(async (client) => {
        const run: Run = async <R extends object>(text: string, values: unknown[]) => (await client.query<R>(text, values)).rows;
        const row = await lockBreaker(run, tenantId, id);
        if (!row) return undefined;
        const { answer, next } = await decide(run, row);
        if (!next) return { answer };
        const stored = await storeStanding(run, row, next.standing, { reason: next.reason, by: BY_ITSELF, ...(next.counts ? { counts: next.counts } : {}) });
        await this.events.publishAll(client, tenantId, stored.type, [stored.fact]);
        return { answer, changed: { row, next } };
      }),
    );
    if (done?.changed) {
      const { row, next } = done.changed;
      this.signal.raise();
      this.metrics.changed(next.standing.state);
      this.logger.log({ breaker: row.id, from: row.state, to: next.standing.state, reason: next.reason }, 'A circuit breaker has changed.');
      await this.revocations.revoke([breakerTag(row)]);
    }
    return done?.answer;
  }
}
