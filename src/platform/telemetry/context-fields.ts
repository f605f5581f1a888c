import type { ContextStore } from '../context/request-context.js';

/** What a log line says about the request or job it is about. */
export function contextFields(store: ContextStore): Record<string, unknown> {
  return {
    request_id: store.requestId,
    tenant_id: store.tenantId,
    operation: store.operationId,
    ...(store.actor ? { actor: `${store.actor.kind}:${store.actor.id}` } : {}),
  };
}
