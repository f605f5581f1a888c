import { Injectable } from '@nestjs/common';
import { SystemDatabase } from '../../platform/database/system-database.js';

export interface QueueFigures {
  tasks: { status: string; count: number }[];
  /** Seconds that the oldest task which could be claimed now has waited; 0 when there is none. */
  oldest_ready_seconds: number;
  /** Seconds between the oldest fact a consumer has not seen and now. */
  consumers: { name: string; lag_seconds: number; failures: number; buried: number }[];
  /** Age of the oldest audit row that is not sealed; 0 when there is none. */
  sealing_lag_seconds: number;
  /** Places that checkpoints cannot be pushed to at the moment. */
  failing_pushes: { target: string; count: number }[];
  /** Secrets whose rotation by the clock has failed since it last worked. */
  failing_rotations: number;
  /** Logs that are not sealed any further. */
  held_logs: number;
  breakers: { state: string; count: number }[];
}

/** Figures over all tenants, without a name of any: what an operator of the installation watches. */
@Injectable()
export class QueueMetricsRepository {
  constructor(private readonly database: SystemDatabase) {}

  async read(): Promise<QueueFigures> {
    const [tasks, oldest, consumers, lag, pushes, rotations, held, breakers] = await Promise.all([
      this.tasks(), this.oldestReady(), this.consumers(), this.sealingLag(), this.failingPushes(), this.failingRotations(), this.heldLogs(), this.breakers(),
    ]);
    return { tasks, oldest_ready_seconds: oldest, consumers, sealing_lag_seconds: lag, failing_pushes: pushes, failing_rotations: rotations, held_logs: held, breakers };
  }

  private tasks(): Promise<QueueFigures['tasks']> {
    return this.database.query('select status, count(*)::int as count from tasks group by status');
  }

  private async oldestReady(): Promise<number> {
    const rows = await this.database.query<{ seconds: number | null }>(
      `select extract(epoch from clock_timestamp() - min(available_at))::float8 as seconds from tasks where ready and available_at <= clock_timestamp()`,
    );
    return Math.max(0, rows[0]?.seconds ?? 0);
  }

  private consumers(): Promise<QueueFigures['consumers']> {
    return this.database.query(
      `select name, greatest(consumer.failures, left_over.failures) as failures, greatest(0, extract(epoch from clock_timestamp() - least(next.occurred_at, left_over.occurred_at)))::float8 as lag_seconds,
         (select count(*)::int from event_dead_letters letter where letter.consumer = consumer.name) as buried
       from event_consumers consumer
       left join lateral (
         select occurred_at from events where (tx, seq) > (consumer.tx, consumer.seq) and tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint order by tx, seq limit 1
       ) next on true
       -- Of what it has left to the turns of tenants.
       left join lateral (
         select max(backlog.failures) as failures, min(oldest.occurred_at) as occurred_at from event_backlogs backlog
         left join lateral (select occurred_at from events where tenant_id = backlog.tenant_id and (tx, seq) > (backlog.tx, backlog.seq) order by tx, seq limit 1) oldest on true
         where backlog.consumer = consumer.name
       ) left_over on true`,
    );
  }

  private async sealingLag(): Promise<number> {
    const rows = await this.database.query<{ seconds: number | null }>(
      `select extract(epoch from clock_timestamp() - oldest.occurred_at)::float8 as seconds from audit_sequencer s, lateral (
         select occurred_at from audit_log where (tx, id) > (s.tx, s.id) order by tx, id limit 1
       ) oldest`,
    );
    return Math.max(0, rows[0]?.seconds ?? 0);
  }

  private breakers(): Promise<QueueFigures['breakers']> {
    return this.database.query('select state, count(*)::int as count from circuit_breakers group by state');
  }

  private async heldLogs(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>('select count(*)::int as count from audit_holds');
    return row?.count ?? 0;
  }

  private failingPushes(): Promise<QueueFigures['failing_pushes']> {
    return this.database.query('select target, count(*)::int as count from audit_pushes where failures > 0 group by target');
  }

  private async failingRotations(): Promise<number> {
    const rows = await this.database.query<{ count: number }>('select count(*)::int as count from secrets where rotation_failures > 0 and next_rotation_at is not null');
    return rows[0]?.count ?? 0;
  }
}
