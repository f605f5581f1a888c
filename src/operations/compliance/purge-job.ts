/** Name of the job that erases. */
export const PURGE_JOB = 'compliance-purge';
/** The action of the audit log that begins a purge, and the one that ends it. */
export const PURGE_ACTION = 'compliance.purge';
export const PURGED_ACTION = 'compliance.purged';

export interface PurgeJob {
  purge_id: string;
  /** A second look, for what somebody wrote who had begun before. */
  again?: boolean;
}
