/** Finds a tenant by id or slug, for operators who act for another one. A port: the tenants domain implements it. */
export abstract class TenantResolver {
  /** @returns the tenant's id, or undefined when there is none */
  abstract resolve(idOrSlug: string): Promise<string | undefined>;
}
