/** Name of the job that erases. */
export const PURGE_JOB = 'compliance-purge';
/** The action of the audit log that ends a purge. */
export const PURGED_ACTION = 'compliance.purged';

export interface PurgeJob {
  purge_id: string;
  /** A second look, for what somebody wrote who had begun before. */
  again?: boolean;
  /** At the last look, how much there was that is erased only when it has ended. */
  unfinished?: number;
}
