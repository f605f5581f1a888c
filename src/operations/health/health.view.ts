/** The process runs. */
export class HealthView {
  /** @example ok */
  status!: 'ok';
  /** @example wheelhouse */
  service!: string;
  /**
   * Version of the software.
   * @example 0.1.0
   */
  version!: string;
  /**
   * Seconds since the process started.
   * @example 3600
   */
  uptime!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  timestamp!: string;
}

/** Whether this process takes work, and what it looked at. */
export class ReadinessView {
  /** @example ready */
  status!: 'ready' | 'not_ready';
  /**
   * What was looked at, by name.
   * @example { "database": "ok", "migrations": "ok", "jobs": "ok", "shutdown": "ok" }
   */
  checks!: Record<string, string>;
}
