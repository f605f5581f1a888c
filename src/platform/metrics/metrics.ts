import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SystemDatabase } from '../database/system-database.js';
import { TenantDatabase } from '../database/tenant-database.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of this process. No label ever carries the name or id of a tenant, an agent or a person. */
@Injectable()
export class Metrics implements OnModuleDestroy {
  readonly registry = new Registry();
  readonly requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered, by operation of the OpenAPI document.',
    labelNames: ['operation', 'method', 'status'],
    registers: [this.registry],
  });
  readonly durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, by operation.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  /** Counted by whoever takes back leases, in the process that does it. */
  readonly leaseExpiries = new Counter({ name: 'wheelhouse_lease_expiries_total', help: 'Leases on tasks that ran out and were taken back.', registers: [this.registry] });
  readonly loopFailures = new Counter({ name: 'wheelhouse_loop_failures_total', help: 'Turns of the loops of this process that failed.', labelNames: ['loop'], registers: [this.registry] });
  readonly egress = new Counter({ name: 'wheelhouse_egress_requests_total', help: 'Requests that left, by what they were for and how they ended.', labelNames: ['purpose', 'outcome'], registers: [this.registry] });

  constructor(tenants: TenantDatabase, system: SystemDatabase) {
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'wheelhouse_pg_pool_connections',
      help: 'Connections of the pools to PostgreSQL; waiting counts callers without one.',
      labelNames: ['pool', 'state'],
      registers: [this.registry],
      collect() {
        for (const [pool, { totalCount, idleCount, waitingCount }] of [['tenant', tenants.pool], ['system', system.pool]] as const) {
          this.set({ pool, state: 'busy' }, totalCount - idleCount);
          this.set({ pool, state: 'idle' }, idleCount);
          this.set({ pool, state: 'waiting' }, waitingCount);
        }
      },
    });
  }

  onModuleDestroy(): void {
    this.registry.clear();
  }
}
