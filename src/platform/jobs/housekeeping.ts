import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { SystemDatabase } from '../database/system-database.js';
import { Jobs } from './jobs.js';

export const HOUSEKEEPING = 'housekeeping';
const HOURLY = '17 * * * *';
const BATCH = 5_000;

interface Chore {
  table: string;
  /** Which rows of `t` have served their time. `$1` is the age in seconds. */
  where: string;
  ageSeconds: number;
}

const HOUR = 3_600;
const DAY = 24 * HOUR;

/**
 * Removes what has served its time, every hour, for all tenants: the platform's own rows; domains look after theirs. The
 * statements look at age alone, in batches, so that no transaction is long and nobody waits for them.
 */
@Injectable()
export class Housekeeping implements OnModuleInit {
  private readonly logger = new Logger(Housekeeping.name);

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
    private readonly jobs: Jobs,
  ) {}

  onModuleInit(): void {
    this.jobs.define(HOUSEKEEPING, (_data, { signal }) => this.clean(signal), { retries: 2 });
    this.jobs.schedule(HOUSEKEEPING, HOURLY);
  }

  async clean(signal: AbortSignal): Promise<void> {
    for (const chore of this.chores()) {
      const removed = await this.remove(chore, signal);
      if (removed > 0) this.logger.log(`Removed ${removed} old rows of ${chore.table}.`);
    }
  }

  private chores(): Chore[] {
    const old = (column: string): string => `t.${column} < now() - make_interval(secs => $1)`;
    return [
      { table: 'idempotency_keys', where: old('created_at'), ageSeconds: DAY },
      { table: 'events', where: `${old('occurred_at')} and ${PASSED_BY_ALL}`, ageSeconds: this.config.get('EVENT_RETENTION_DAYS') * DAY },
      { table: 'processes', where: old('seen_at'), ageSeconds: HOUR },
    ];
  }

  private async remove({ table, where, ageSeconds }: Chore, signal: AbortSignal): Promise<number> {
    let total = 0;
    for (;;) {
      signal.throwIfAborted();
      const removed = await this.database.execute(
        `delete from ${table} where ctid = any(array(select t.ctid from ${table} t where ${where} limit ${BATCH}))`,
        [ageSeconds],
      );
      total += removed;
      if (removed < BATCH) return total;
    }
  }
}

/** However old: what a consumer has not had yet stays. */
const PASSED_BY_ALL = `not exists (select from event_consumers c where (c.tx, c.seq) < (t.tx, t.seq)) and not exists (select from event_backlogs b where b.tenant_id = t.tenant_id and (b.tx, b.seq) < (t.tx, t.seq))`;
