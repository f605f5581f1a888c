import type { Queue } from 'pg-boss';

/** What a handler is told about the run. */
export interface JobRun {
  id: string;
  /** 1 for the first. */
  attempt: number;
  /** Aborts when the run has taken too long or the process shuts down. */
  signal: AbortSignal;
}

export type JobHandler<T extends object> = (data: T, run: JobRun) => Promise<void>;

export interface JobOptions {
  /** How often a failed job is tried again; default 5. */
  retries?: number;
  /** Pause before the first retry, doubled with each (with jitter); default 1. */
  retryDelaySeconds?: number;
  /** No pause is longer; default 900. */
  retryDelayMaxSeconds?: number;
  /** A run that takes longer has failed; default 900. */
  timeoutSeconds?: number;
  /** A run whose worker gives no sign of life for so long has failed; default 60, at least 10. */
  heartbeatSeconds?: number;
  /** How long one that has ended is kept, with its data; default three days. */
  keepEndedSeconds?: number;
  /** How many run at once in one process; default 1. */
  concurrency?: number;
  /** Tenants take turns: one begins another only while it has fewer under way in the process than places are free. Default: the oldest is next. */
  inTurns?: boolean;
  /** At most one job waits for each `singletonKey` of a tenant. Cannot be changed once the queue exists. */
  onePerKey?: boolean;
  /** Runs also while its tenant is suspended; all others wait until it is resumed. Default: no. */
  whileSuspended?: boolean;
}

export interface EnqueueOptions {
  /** Not before this time, or so many seconds from now. */
  startAfter?: Date | number;
  /** For jobs defined with `onePerKey`: a second one with this key is left out while the first waits. */
  singletonKey?: string;
}

/** A job that failed for good. */
export interface DeadJob {
  id: string;
  name: string;
  data: object;
  error: object | null;
  attempts: number;
  created_at: Date;
  failed_at: Date;
}

export interface Definition {
  name: string;
  handler: JobHandler<object>;
  options: JobOptions;
}

export interface Schedule {
  name: string;
  cron: string;
  data: object;
}

/** A job as it is stored. */
export interface Envelope {
  tenant_id: string;
  request_id?: string;
  data: object;
}

/** Where jobs go that failed for good: nobody works on this queue, an operator looks at it. */
export const DEAD_LETTERS = 'dead-letters';
const DAY_SECONDS = 86_400;
export const DEAD_LETTER_QUEUE = { retentionSeconds: 90 * DAY_SECONDS } satisfies Partial<Queue>;

/** The options of a queue as pg-boss names them. */
export function queueOf(options: JobOptions): Partial<Omit<Queue, 'name' | 'policy' | 'partition'>> & { deadLetter: string } {
  return {
    retryLimit: options.retries ?? 5,
    retryDelay: options.retryDelaySeconds ?? 1,
    retryBackoff: true,
    retryDelayMax: options.retryDelayMaxSeconds ?? 900,
    expireInSeconds: options.timeoutSeconds ?? 900,
    heartbeatSeconds: options.heartbeatSeconds ?? 60,
    deleteAfterSeconds: options.keepEndedSeconds ?? 3 * DAY_SECONDS,
    deadLetter: DEAD_LETTERS,
  };
}
