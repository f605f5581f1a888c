/** Finds a tenant by id or slug, for operators who act for another one. A port: the tenants domain implements it. */
export abstract class TenantResolver {
  /**
   * @param purgedToo whether one may be meant of which nothing is left but its audit log
   * @returns the tenant's id, or undefined when there is none
   */
  abstract resolve(idOrSlug: string, purgedToo?: boolean): Promise<string | undefined>;
}
