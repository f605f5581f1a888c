import { defineEvent } from '../../core/event.js';

export interface BreakerFact {
  breaker_id: string;
  name: string;
  /** `host:api.example.com`: kind and name. */
  target: string;
  scope: string;
  reason: string;
  forced: boolean;
  next_probe_at: string | null;
}

/** A circuit breaker opened: calls to its target are refused. */
export const BreakerOpened = defineEvent<BreakerFact>('circuit_breaker.opened');
/** A circuit breaker lets a few calls through to see whether its target is well again. */
export const BreakerHalfOpen = defineEvent<BreakerFact>('circuit_breaker.half_open');
/** A circuit breaker closed: calls go through. */
export const BreakerClosed = defineEvent<BreakerFact>('circuit_breaker.closed');
