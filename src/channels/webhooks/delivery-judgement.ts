import { type CallEnd } from './delivery-call.js';
import { pauseAfter } from './retry-times.js';
import type { DueDelivery, Ending } from './webhook-lanes.repository.js';

const GONE = 410;
/** For what a breaker holds back: not all at the same moment when it closes. */
const SPREAD_MS = 1_000;

/** What becomes of a delivery after a call; undefined when nothing does, and it is due as before. */
export function judge(delivery: DueDelivery, end: CallEnd, laneFails: boolean, now: Date, random: number = Math.random()): (Ending & { gone: boolean }) | undefined {
  if (end.kind === 'given_up') return undefined;
  if (end.kind === 'put_off') return { delivery, status: 'pending', pauseMs: end.ms + SPREAD_MS * random, waitingFor: 'circuit_open', laneFails, gone: false };
  const answered = end.kind === 'answered' ? end : undefined;
  const taken = answered !== undefined && answered.status >= 200 && answered.status < 300;
  const gone = answered?.status === GONE;
  const last = delivery.tries + 1 >= delivery.max_tries;
  return {
    delivery,
    status: taken ? 'delivered' : gone || last ? 'dead' : 'pending',
    attempt: {
      number: delivery.attempt_count + 1,
      at: new Date(now.getTime() - end.ms).toISOString(),
      duration_ms: end.ms,
      status: answered?.status ?? null,
      error: taken ? null : end.kind === 'failed' ? end.error : `It was answered with status ${end.status}.`,
      answer: answered?.answer ?? null,
    },
    pauseMs: taken ? 0 : pauseAfter(delivery.tries + 1, answered?.retryAfter, random),
    laneFails,
    gone,
  };
}
