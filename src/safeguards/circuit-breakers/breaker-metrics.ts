import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { Metrics } from '../../platform/metrics/metrics.js';
import type { BreakerState } from './circuit-breaker.machine.js';

/** What this process counts of circuit breakers: no label says whose they are. */
@Injectable()
export class BreakerMetrics {
  private readonly transitions: Counter;
  private readonly refusals: Counter;

  constructor({ registry }: Metrics) {
    this.transitions = new Counter({ name: 'wheelhouse_circuit_breaker_transitions_total', help: 'Changes of circuit breakers that this process has made, by the state that they changed to.', labelNames: ['to'], registers: [registry] });
    this.refusals = new Counter({ name: 'wheelhouse_circuit_breaker_refusals_total', help: 'Calls that this process refused behind an open circuit breaker, by the kind of their target.', labelNames: ['target'], registers: [registry] });
  }

  changed(to: BreakerState): void {
    this.transitions.inc({ to });
  }

  refused(target: string): void {
    this.refusals.inc({ target });
  }
}
