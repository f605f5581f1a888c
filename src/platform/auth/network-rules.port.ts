/** From which addresses a tenant is worked in. A port: the networks domain implements it. */
export abstract class NetworkRules {
  /** Whether callers of a tenant are taken from an address. Where there are rules, an unknown address is not. */
  abstract admits(tenantId: string, address: string | undefined): Promise<boolean>;
}

/** What is revoked when the rules of a tenant change: sockets and streams that are open look again. */
export const networksTag = (tenantId: string): string => `networks-of:${tenantId}`;
