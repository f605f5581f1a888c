import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { sameSecret } from '../../platform/crypto/tokens.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { type QueueFigures, QueueMetricsRepository } from './queue-metrics.repository.js';

/** How long the figures of the database are kept. */
const FRESH_MS = 5_000;
/** Reading them takes at most one part in so many of the time, however large the queue has grown. */
const SHARE_OF_TIME = 20;

const PUSH_TARGETS = ['file', 'webhook', 's3'];
const STATUSES = ['inbox', 'queued', 'in_progress', 'review', 'blocked', 'completed', 'failed', 'dead_letter', 'cancelled'];

/** What /metrics answers: this process's own figures, and the queue's, which are read from the database now and then. */
@Injectable()
export class MetricsService {
  private readonly tasks: Gauge;
  private readonly oldest: Gauge;
  private readonly lag: Gauge;
  private readonly failures: Gauge;
  private readonly buried: Gauge;
  private readonly sealing: Gauge;
  private readonly pushes: Gauge;
  private readonly rotations: Gauge;
  private readonly held: Gauge;
  private readonly breakers: Gauge;
  private readonly up: Gauge;
  private freshUntil = 0;
  private reading: Promise<void> | undefined;

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly queue: QueueMetricsRepository,
  ) {
    const registers = [metrics.registry];
    this.tasks = new Gauge({ name: 'wheelhouse_tasks', help: 'Tasks by status.', labelNames: ['status'], registers });
    this.oldest = new Gauge({ name: 'wheelhouse_queue_oldest_ready_seconds', help: 'How long the oldest task that could be claimed has waited.', registers });
    this.lag = new Gauge({ name: 'wheelhouse_event_consumer_lag_seconds', help: 'Age of the oldest fact that a consumer has not seen.', labelNames: ['consumer'], registers });
    this.failures = new Gauge({ name: 'wheelhouse_event_consumer_failures', help: 'Failures in a row of a consumer on one fact.', labelNames: ['consumer'], registers });
    this.buried = new Gauge({ name: 'wheelhouse_event_dead_letters', help: 'Facts that a consumer has given up on.', labelNames: ['consumer'], registers });
    this.sealing = new Gauge({ name: 'wheelhouse_audit_sealing_lag_seconds', help: 'Age of the oldest audit row that is not sealed into its tree.', registers });
    this.pushes = new Gauge({ name: 'wheelhouse_audit_failing_pushes', help: 'Logs whose newest checkpoint could not be pushed to a place outside.', labelNames: ['target'], registers });
    this.rotations = new Gauge({ name: 'wheelhouse_secrets_failing_rotations', help: 'Secrets whose rotation by the clock has failed since it last worked.', registers });
    this.held = new Gauge({ name: 'wheelhouse_audit_held_tenants', help: 'Audit logs that are not sealed any further: each is not the one that was sealed.', registers });
    this.breakers = new Gauge({ name: 'wheelhouse_circuit_breakers', help: 'Circuit breakers by state.', labelNames: ['state'], registers });
    this.up = new Gauge({ name: 'wheelhouse_database_up', help: '1 when the figures of the queue could be read, 0 when they are old.', registers });
  }

  /**
   * The metrics in Prometheus' text format.
   * @throws Problem `unauthenticated` when METRICS_TOKEN is set and the header does not carry it
   */
  async read(authorization: string | undefined): Promise<{ type: string; text: string }> {
    this.checkToken(authorization);
    if (performance.now() > this.freshUntil) await (this.reading ??= this.refresh());
    return { type: this.metrics.registry.contentType, text: await this.metrics.registry.metrics() };
  }

  private checkToken(authorization: string | undefined): void {
    const expected = this.config.get('METRICS_TOKEN');
    if (expected === undefined) return;
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
    if (!sameSecret(given, expected)) throw new Problem('unauthenticated', { detail: 'The metrics need their bearer token.', remedy: 'Send METRICS_TOKEN as Authorization: Bearer.' });
  }

  private async refresh(): Promise<void> {
    const start = performance.now();
    // Without the database this process's own figures are still worth having, and the gauge says that it is away.
    const figures = await this.queue.read().catch(() => undefined);
    if (figures) this.show(figures);
    this.up.set(figures ? 1 : 0);
    const end = performance.now();
    this.freshUntil = end + Math.max(FRESH_MS, (end - start) * SHARE_OF_TIME);
    this.reading = undefined;
  }

  private show(figures: QueueFigures): void {
    for (const status of STATUSES) this.tasks.set({ status }, 0);
    for (const { status, count } of figures.tasks) this.tasks.set({ status }, count);
    this.oldest.set(figures.oldest_ready_seconds);
    this.sealing.set(figures.sealing_lag_seconds);
    this.rotations.set(figures.failing_rotations);
    this.held.set(figures.held_logs);
    for (const state of ['closed', 'open', 'half_open']) this.breakers.set({ state }, figures.breakers.find((known) => known.state === state)?.count ?? 0);
    for (const target of PUSH_TARGETS) this.pushes.set({ target }, figures.failing_pushes.find((failing) => failing.target === target)?.count ?? 0);
    for (const { name, lag_seconds: seconds, failures, buried } of figures.consumers) {
      this.lag.set({ consumer: name }, seconds);
      this.failures.set({ consumer: name }, failures);
      this.buried.set({ consumer: name }, buried);
    }
  }
}
