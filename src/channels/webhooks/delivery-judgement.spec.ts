import { judge } from './delivery-judgement.js';
import { MOST_TRIES, pauseAfter, retryAfterOf } from './retry-times.js';
import type { DueDelivery } from './webhook-lanes.repository.js';

const now = new Date('2026-01-31T09:30:00.000Z');
const delivery = (fields: Partial<DueDelivery> = {}): DueDelivery => ({
  tenant_id: 't', id: 'd', lane: 'w', webhook_id: 'w', key: 'k', type: 'task.created', order_key: null, data: {}, occurred_at: now, tries: 0, max_tries: MOST_TRIES, attempt_count: 0, request_id: null,
  url: 'https://example.com', own_secret: null, secret: null, secret_version: null, previous_secret: null, timeout_seconds: 15, ...fields,
});
const answered = (status: number, retryAfter?: number) => ({ kind: 'answered' as const, status, answer: 'x', retryAfter, ms: 7 });

describe('pauses between tries', () => {
  it('grow from seconds to a day, and are moved by a fifth at most', () => {
    const middle = Array.from({ length: MOST_TRIES - 1 }, (_, index) => pauseAfter(index + 1, undefined, 0.5) / 1000);
    expect(middle).toEqual([5, 30, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    expect(middle.reduce((sum, pause) => sum + pause) / 3600).toBeGreaterThan(72);
    expect([pauseAfter(1, undefined, 0), pauseAfter(1, undefined, 0.999_999), pauseAfter(99, undefined, 0.5)]).toEqual([4_000, 6_000, 86_400_000]);
  });

  it('are as long as the receiver asks for, within a day and not less than planned', () => {
    expect([pauseAfter(1, 60, 0.5), pauseAfter(1, 1, 0.5), pauseAfter(1, 10_000_000, 0.5)]).toEqual([60_000, 5_000, 86_400_000]);
    expect([retryAfterOf('120', now), retryAfterOf('Sat, 31 Jan 2026 09:31:00 GMT', now), retryAfterOf('Sat, 31 Jan 2026 09:00:00 GMT', now)]).toEqual([120, 60, 0]);
    for (const header of [undefined, '', '-1', 'soon', '1.5', '99999999999']) expect(retryAfterOf(header, now)).toBeUndefined();
  });
});

describe('what becomes of a delivery', () => {
  it.each([[200, 'delivered'], [204, 'delivered'], [301, 'pending'], [400, 'pending'], [429, 'pending'], [503, 'pending'], [410, 'dead']])('answered with %s: %s', (status, becomes) => {
    const ending = judge(delivery(), answered(status), false, now, 0.5);
    expect([ending?.status, ending?.gone]).toEqual([becomes, status === 410]);
    expect(ending?.attempt).toEqual({ number: 1, at: '2026-01-31T09:29:59.993Z', duration_ms: 7, status, error: becomes === 'delivered' ? null : `It was answered with status ${status}.`, answer: 'x' });
  });

  it('is given up with the last try, and with it alone', () => {
    expect(judge(delivery({ tries: MOST_TRIES - 2 }), answered(500), false, now)?.status).toBe('pending');
    expect(judge(delivery({ tries: MOST_TRIES - 1, attempt_count: 40 }), { kind: 'failed', error: 'e', ms: 1 }, false, now)).toMatchObject({ status: 'dead', attempt: { number: 41, status: null, error: 'e', answer: null } });
  });

  it('counts no try when a breaker put it off, and is nothing when it was given up', () => {
    expect(judge(delivery(), { kind: 'put_off', ms: 500 }, false, now, 0.5)).toEqual({ delivery: delivery(), status: 'pending', pauseMs: 1_000, waitingFor: 'circuit_open', laneFails: false, gone: false });
    expect(judge(delivery(), { kind: 'given_up' }, false, now)).toBeUndefined();
  });
});
