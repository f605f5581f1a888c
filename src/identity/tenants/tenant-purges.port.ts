/** A tenant that is to be purged. */
export interface PurgeableTenant {
  id: string;
  slug: string;
  name: string;
}

/** What a purge needs of the tenants, in the caller's transaction of the operator tenant. */
export abstract class TenantPurges {
  /** Holds the tenant; undefined when there never was one. */
  abstract hold(id: string): Promise<PurgeableTenant | undefined>;
  /** Shuts it for good and takes its names away: from the commit on every credential of it is refused. */
  abstract close(id: string): Promise<void>;
  /** Once nothing is left of it: from then on its credentials are nobody's, in every process. */
  abstract forget(id: string): Promise<void>;
}
