/** Revoked when the subscriptions of a tenant change: processes know them by heart. */
export const subscriptionsTag = (tenantId: string): string => `webhooks:${tenantId}`;
/** Revoked when what is under way to or from one must end: it is disabled, deleted, or goes elsewhere from now on. */
export const webhookTag = (id: string): string => `webhook:${id}`;
