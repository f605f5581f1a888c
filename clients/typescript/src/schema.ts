// Written by `npm run openapi` from openapi/openapi.json.
export interface paths {
    "/api/v1/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Searches the audit log
         * @description Searches the audit log. Newest first: every change that a person or a key made, every refusal and every sign-in, with who, from where, in which request, and the resource before and after. Rows cannot be changed or removed.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         *
         *     Also answers at `GET /api/v1/compliance/audit-log`.
         */
        get: operations["searchAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Requests an approval for the calling agent
         * @description Requests an approval for the calling agent. It covers exactly the action given here; a person decides.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["requestAgentApproval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/approvals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads an approval of the calling agent
         * @description Reads an approval of the calling agent. With wait_seconds the answer waits for the decision while it is pending.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        get: operations["getAgentApproval"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists approvals
         * @description Lists approvals. Newest first; those that wait for a decision, unless status says otherwise.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `approval:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         *
         *     Also answers at `GET /api/v1/tools/approvals`.
         */
        get: operations["listApprovals"];
        put?: never;
        /**
         * Requests an approval
         * @description Requests an approval. It covers exactly the action given here, by the hash of its canonical JSON.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `approval:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["requestApproval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads an approval
         * @description Reads an approval. With wait_seconds the answer waits for the decision while it is pending.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `approval:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getApproval"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Decides
         * @description Decides. The same as approve and reject, with the decision in the body.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `approval:decide`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `PATCH /api/v1/tools/approvals/{id}`.
         */
        patch: operations["updateApproval"];
        trace?: never;
    };
    "/api/v1/approvals/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Approves
         * @description Approves. Not the requester, and only while it is pending; of several at once exactly one decides.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `approval:decide`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["approveApproval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rejects
         * @description Rejects. Not the requester, and only while it is pending; of several at once exactly one decides.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `approval:decide`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["rejectApproval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Liveness
         * @description Liveness. The process runs and answers; nothing else is looked at.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | none | no |
         *
         *     Also answers at `GET /api/v1/health`.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Liveness, by the name that orchestrators use
         * @description Liveness, by the name that orchestrators use. The same answer as /health.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | none | no |
         */
        get: operations["getHealthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics of this process and of the queue, for Prometheus
         * @description Metrics of this process and of the queue, for Prometheus. Open unless METRICS_TOKEN is set; it then takes that bearer token. No label carries the name of a tenant, an agent or a person.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | none | no |
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document
         * @description This document. OpenAPI 3.1, with an ETag, for readers and for generators of clients.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | none | no |
         */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readiness
         * @description Readiness. The database answers, its schema is this version's, and the process is not shutting down.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | none | no |
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ApprovalActionDto: {
            /**
             * @description Its arguments, any JSON object of at most 64 KiB. The approval is for exactly these.
             * @example {
             *       "command": "systemctl restart web"
             *     }
             */
            arguments: {
                [key: string]: unknown;
            };
            /**
             * @description Kind of the action.
             * @example ssh.execute
             */
            kind: string;
        };
        ApprovalActionView: {
            /**
             * @example {
             *       "command": "systemctl restart web"
             *     }
             */
            arguments: {
                [key: string]: unknown;
            };
            /** @example ssh.execute */
            kind: string;
        };
        /** @description One page of a list. */
        ApprovalPage: {
            /** @description What is on this page. */
            items: components["schemas"]["ApprovalView"][];
            /**
             * @description Most items on this page.
             * @example 50
             */
            limit: number;
            /** @description Give it back as cursor for the next page; null on the last. */
            next_cursor: string | null;
            /**
             * @description How many were skipped before this page.
             * @example 0
             */
            offset: number;
            /**
             * @description How many there are: exact up to 10,000, an estimate beyond.
             * @example 1
             */
            total: number;
            /** @description True when total is an estimate. */
            total_is_estimate?: boolean;
        };
        ApprovalView: {
            /** @description The action itself. */
            action: components["schemas"]["ApprovalActionView"];
            /**
             * @description SHA-256 of the action's canonical JSON (RFC 8785): what is approved is exactly this.
             * @example 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
             */
            action_hash: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
            agent_id: string | null;
            /** @example 0.8 */
            confidence: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:35:00.000Z
             */
            decided_at: string | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
            decided_by_id: string | null;
            /** @example user */
            decided_by_kind: string | null;
            /** @example It has been answering 502 for five minutes. */
            description: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T10:30:00.000Z
             */
            expires_at: string | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
            requested_by_id: string;
            /**
             * @description user, api_key, agent or bootstrap.
             * @example agent
             */
            requested_by_kind: string;
            /** @example Fine, but only once. */
            reviewer_note: string | null;
            /**
             * @description Grows by one with every change.
             * @example 1
             */
            revision: number;
            /**
             * @example medium
             * @enum {string|null}
             */
            risk: "critical" | "high" | "medium" | "low" | null;
            /**
             * @example pending
             * @enum {string}
             */
            status: "approved" | "rejected" | "expired" | "pending";
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
            task_id: string | null;
            title: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
        };
        /** @description One page of a list. */
        AuditPage: {
            /** @description What is on this page. */
            items: components["schemas"]["AuditView"][];
            /**
             * @description Most items on this page.
             * @example 50
             */
            limit: number;
            /** @description Give it back as cursor for the next page; null on the last. */
            next_cursor: string | null;
            /**
             * @description How many were skipped before this page.
             * @example 0
             */
            offset: number;
            /**
             * @description How many there are: exact up to 10,000, an estimate beyond.
             * @example 1
             */
            total: number;
            /** @description True when total is an estimate. */
            total_is_estimate?: boolean;
        };
        AuditView: {
            /**
             * @description What was done.
             * @example task.cancel
             */
            action: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
            actor_id: string;
            /**
             * @description user, api_key, agent, bootstrap, system or anonymous.
             * @example user
             */
            actor_kind: string;
            /**
             * @description Who that is in words: an e-mail address, a key's or an agent's name.
             * @example ada@example.com
             */
            actor_label: string;
            /**
             * @description The resource after the change.
             * @example {
             *       "status": "cancelled"
             *     }
             */
            after: Record<string, unknown> | null;
            /**
             * @description The resource before the change.
             * @example {
             *       "status": "queued"
             *     }
             */
            before: Record<string, unknown> | null;
            /**
             * @description What else is to be said.
             * @example {
             *       "reason": "no longer needed"
             *     }
             */
            detail: Record<string, unknown> | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * @description Address that the request came from.
             * @example 203.0.113.7
             */
            ip: string | null;
            /**
             * Format: date-time
             * @description When, by the database's clock.
             * @example 2026-01-31T09:30:00.000Z
             */
            occurred_at: string;
            /**
             * @example done
             * @enum {string}
             */
            outcome: "failed" | "done" | "denied";
            /**
             * @description X-Request-Id of the request.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
             */
            request_id: string | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
            resource_id: string | null;
            /** @example task */
            resource_type: string | null;
            /** @example curl/8.5.0 */
            user_agent: string | null;
        };
        DecideApprovalDto: {
            /**
             * @description What the reviewer has to say.
             * @example Fine, but only once.
             */
            note?: string;
        };
        FieldErrorView: {
            /**
             * @description Stable word for the rule that was broken.
             * @example maxLength
             */
            code: string;
            /**
             * @description Dotted path of the field.
             * @example title
             */
            field: string;
            /** @description The rule in words. */
            message: string;
        };
        HealthView: {
            /** @example wheelhouse */
            service: string;
            /**
             * @example ok
             * @enum {string}
             */
            status: "ok";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            timestamp: string;
            /**
             * @description Seconds since the process started.
             * @example 3600
             */
            uptime: number;
            /**
             * @description Version of the software.
             * @example 0.1.0
             */
            version: string;
        };
        OpenApiView: {
            /**
             * @description Title, version and licence.
             * @example {
             *       "title": "Wheelhouse",
             *       "version": "0.1.0"
             *     }
             */
            info: {
                [key: string]: unknown;
            };
            /**
             * @description Version of the specification.
             * @example 3.1.0
             */
            openapi: string;
            /**
             * @description Every operation by path and method.
             * @example {
             *       "/health": {}
             *     }
             */
            paths: {
                [key: string]: unknown;
            };
        };
        ProblemView: {
            /**
             * @description Stable code of the kind of problem.
             * @example lease_lost
             */
            code: string;
            /**
             * @description The value that met it.
             * @example 21
             */
            current: Record<string, unknown>;
            /** @description What happened, in words. */
            detail: string;
            /** @description The same as detail. */
            error: string;
            /** @description The wrong fields, when fields are wrong. */
            errors: components["schemas"]["FieldErrorView"][];
            /**
             * @description The limit that was met.
             * @example 20
             */
            limit: Record<string, unknown>;
            /**
             * @description What the caller can do.
             * @example Claim the task again.
             */
            remedy: string | null;
            /**
             * @description Id of the request, as in X-Request-Id.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            request_id: string | null;
            /**
             * Format: date-time
             * @description When the same request may succeed.
             * @example 2026-01-31T09:30:00.000Z
             */
            retry_at: string | null;
            /**
             * @description HTTP status.
             * @example 409
             */
            status: number;
            /** @description Short name of the kind of problem. */
            title: string;
            /**
             * @description Relative reference of the problem's page in the documents.
             * @example /problems/lease-lost
             */
            type: string;
        };
        ReadinessView: {
            /**
             * @description What was looked at, by name.
             * @example {
             *       "database": "ok",
             *       "migrations": "ok",
             *       "jobs": "ok",
             *       "shutdown": "ok"
             *     }
             */
            checks: {
                [key: string]: string;
            };
            /**
             * @example ready
             * @enum {string}
             */
            status: "ready" | "not_ready";
        };
        RequestApprovalDto: {
            /** @description The action itself. */
            action: components["schemas"]["ApprovalActionDto"];
            /**
             * Format: uuid
             * @description The agent that will act on it.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
             */
            agent_id?: string;
            /**
             * @description How sure the requester is that the action is right, from 0 to 1.
             * @example 0.8
             */
            confidence?: number;
            /**
             * @description Why, and what else the reviewer should know.
             * @example It has been answering 502 for five minutes.
             */
            description?: string;
            /**
             * Format: date-time
             * @description From then on it can no longer be approved. Left out, it waits without end.
             * @example 2027-01-31T18:00:00.000Z
             */
            expires_at?: string;
            /**
             * @description How much can go wrong.
             * @example medium
             * @enum {string}
             */
            risk?: "low" | "medium" | "high" | "critical";
            /**
             * Format: uuid
             * @description The task it belongs to; its board's rules look at it.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            task_id?: string;
            /** @description What is asked for, in one line. */
            title: string;
        };
        RequestOwnApprovalDto: {
            /** @description The action itself. */
            action: components["schemas"]["ApprovalActionDto"];
            /**
             * @description How sure the requester is that the action is right, from 0 to 1.
             * @example 0.8
             */
            confidence?: number;
            /**
             * @description Why, and what else the reviewer should know.
             * @example It has been answering 502 for five minutes.
             */
            description?: string;
            /**
             * Format: date-time
             * @description From then on it can no longer be approved. Left out, it waits without end.
             * @example 2027-01-31T18:00:00.000Z
             */
            expires_at?: string;
            /**
             * @description How much can go wrong.
             * @example medium
             * @enum {string}
             */
            risk?: "low" | "medium" | "high" | "critical";
            /**
             * Format: uuid
             * @description The task it belongs to; its board's rules look at it.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            task_id?: string;
            /** @description What is asked for, in one line. */
            title: string;
        };
        UpdateApprovalDto: {
            /**
             * @description What the reviewer has to say.
             * @example Fine, but only once.
             */
            reviewer_note?: string;
            /**
             * @description The decision.
             * @example approved
             * @enum {string}
             */
            status: "approved" | "rejected";
        };
    };
    responses: never;
    parameters: {
        /**
         * @description The first answer to a key is stored for 24 hours and given again to every repetition of the same request.
         * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
         */
        IdempotencyKey: string;
        /**
         * @description The ETag that the change is based on; the answer is 412 when the resource has changed since.
         * @example "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00.3"
         */
        IfMatch: string;
        /**
         * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
         * @example deploy-2026-01-31-7
         */
        RequestId: string;
        /**
         * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
         * @example default
         */
        TenantId: string;
    };
    requestBodies: never;
    headers: {
        /**
         * @description Tag of this revision, for If-Match and If-None-Match.
         * @example "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00.3"
         */
        ETag: string;
        /**
         * @description Id of the request.
         * @example deploy-2026-01-31-7
         */
        RequestId: string;
        /**
         * @description Seconds until the same request may succeed.
         * @example 12
         */
        RetryAfter: number;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    searchAudit: {
        parameters: {
            query?: {
                /**
                 * @description The action, or its beginning with a star: `task.*`.
                 * @example task.*
                 */
                action?: string;
                /**
                 * @description Id or e-mail address (label) of who did it.
                 * @example ada@example.com
                 */
                actor?: string;
                /** @description next_cursor of the page before; wins over offset. */
                cursor?: string;
                /**
                 * @description Not before this time.
                 * @example 2026-01-01T00:00:00.000Z
                 */
                from?: string;
                /**
                 * @description Most items to answer with.
                 * @example 50
                 */
                limit?: number;
                /**
                 * @description How many to skip. For long lists prefer cursor, which stays fast.
                 * @example 0
                 */
                offset?: number;
                /**
                 * @description done: the change was made. denied: the caller was not allowed. failed: it was tried in vain, like a sign-in.
                 * @example denied
                 */
                outcome?: "done" | "denied" | "failed";
                /**
                 * @description X-Request-Id of the request that did it.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
                 */
                request_id?: string;
                /**
                 * @description Id of the resource.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                resource_id?: string;
                /**
                 * @description Kind of the resource.
                 * @example task
                 */
                resource_type?: string;
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
                /**
                 * @description Before this time.
                 * @example 2027-01-01T00:00:00.000Z
                 */
                to?: string;
            };
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "occurred_at": "2026-01-31T09:30:00.000Z",
                     *           "actor_kind": "user",
                     *           "actor_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *           "actor_label": "ada@example.com",
                     *           "action": "task.cancel",
                     *           "outcome": "done",
                     *           "resource_type": "task",
                     *           "resource_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *           "ip": "203.0.113.7",
                     *           "user_agent": "curl/8.5.0",
                     *           "request_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *           "before": {
                     *             "status": "queued"
                     *           },
                     *           "after": {
                     *             "status": "cancelled"
                     *           },
                     *           "detail": {
                     *             "reason": "no longer needed"
                     *           }
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": "text"
                     *     }
                     */
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    requestAgentApproval: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The first answer to a key is stored for 24 hours and given again to every repetition of the same request.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "title": "text",
                 *       "description": "It has been answering 502 for five minutes.",
                 *       "action": {
                 *         "kind": "ssh.execute",
                 *         "arguments": {
                 *           "command": "systemctl restart web"
                 *         }
                 *       },
                 *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "confidence": 0.8,
                 *       "risk": "medium",
                 *       "expires_at": "2027-01-31T18:00:00.000Z"
                 *     }
                 */
                "application/json": components["schemas"]["RequestOwnApprovalDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `idempotency_in_progress`: The first request with this Idempotency-Key is still running. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `payload_too_large`: The body is larger than this operation takes. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unsupported_media_type`: This operation takes application/json. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `idempotency_key_reused`: This Idempotency-Key was used with another request. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getAgentApproval: {
        parameters: {
            query?: {
                /**
                 * @description Seconds to wait for the decision while it is pending.
                 * @example 20
                 */
                wait_seconds?: number;
            };
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /**
                 * @description Id of the resource.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    listApprovals: {
        parameters: {
            query?: {
                /** @description Approvals for this agent. */
                agent_id?: string;
                /** @description next_cursor of the page before; wins over offset. */
                cursor?: string;
                /**
                 * @description Most items to answer with.
                 * @example 50
                 */
                limit?: number;
                /**
                 * @description How many to skip. For long lists prefer cursor, which stays fast.
                 * @example 0
                 */
                offset?: number;
                /**
                 * @description Status, or all.
                 * @example pending
                 */
                status?: "pending" | "approved" | "rejected" | "expired" | "all";
                /** @description Approvals of this task. */
                task_id?: string;
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
            };
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "title": "text",
                     *           "description": "It has been answering 502 for five minutes.",
                     *           "action": {
                     *             "kind": "ssh.execute",
                     *             "arguments": {
                     *               "command": "systemctl restart web"
                     *             }
                     *           },
                     *           "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *           "status": "pending",
                     *           "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *           "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *           "confidence": 0.8,
                     *           "risk": "medium",
                     *           "requested_by_kind": "agent",
                     *           "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *           "decided_by_kind": "user",
                     *           "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *           "decided_at": "2026-01-31T09:35:00.000Z",
                     *           "reviewer_note": "Fine, but only once.",
                     *           "expires_at": "2026-01-31T10:30:00.000Z",
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": "text"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalPage"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    requestApproval: {
        parameters: {
            query?: {
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
            };
            header?: {
                /**
                 * @description The first answer to a key is stored for 24 hours and given again to every repetition of the same request.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                 *       "title": "text",
                 *       "description": "It has been answering 502 for five minutes.",
                 *       "action": {
                 *         "kind": "ssh.execute",
                 *         "arguments": {
                 *           "command": "systemctl restart web"
                 *         }
                 *       },
                 *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "confidence": 0.8,
                 *       "risk": "medium",
                 *       "expires_at": "2027-01-31T18:00:00.000Z"
                 *     }
                 */
                "application/json": components["schemas"]["RequestApprovalDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `idempotency_in_progress`: The first request with this Idempotency-Key is still running. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `payload_too_large`: The body is larger than this operation takes. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unsupported_media_type`: This operation takes application/json. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `idempotency_key_reused`: This Idempotency-Key was used with another request. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getApproval: {
        parameters: {
            query?: {
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
                /**
                 * @description Seconds to wait for the decision while it is pending.
                 * @example 20
                 */
                wait_seconds?: number;
            };
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /**
                 * @description Id of the resource.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    updateApproval: {
        parameters: {
            query?: {
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
            };
            header?: {
                /**
                 * @description The ETag that the change is based on; the answer is 412 when the resource has changed since.
                 * @example "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00.3"
                 */
                "If-Match"?: components["parameters"]["IfMatch"];
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /**
                 * @description Id of the resource.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "status": "approved",
                 *       "reviewer_note": "Fine, but only once."
                 *     }
                 */
                "application/json": components["schemas"]["UpdateApprovalDto"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `self_approval`: The requester of an approval cannot decide it.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `approval_decided`: This approval has been decided or has expired. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `precondition_failed`: The resource has changed since it was read. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `payload_too_large`: The body is larger than this operation takes. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unsupported_media_type`: This operation takes application/json. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    approveApproval: {
        parameters: {
            query?: {
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
            };
            header?: {
                /**
                 * @description The first answer to a key is stored for 24 hours and given again to every repetition of the same request.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /**
                 * @description Id of the resource.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "note": "Fine, but only once."
                 *     }
                 */
                "application/json": components["schemas"]["DecideApprovalDto"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `self_approval`: The requester of an approval cannot decide it.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `idempotency_in_progress`: The first request with this Idempotency-Key is still running.
             *
             *     `approval_decided`: This approval has been decided or has expired.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `payload_too_large`: The body is larger than this operation takes. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unsupported_media_type`: This operation takes application/json. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `idempotency_key_reused`: This Idempotency-Key was used with another request. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    rejectApproval: {
        parameters: {
            query?: {
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
            };
            header?: {
                /**
                 * @description The first answer to a key is stored for 24 hours and given again to every repetition of the same request.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path: {
                /**
                 * @description Id of the resource.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "note": "Fine, but only once."
                 *     }
                 */
                "application/json": components["schemas"]["DecideApprovalDto"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "text",
                     *       "description": "It has been answering 502 for five minutes.",
                     *       "action": {
                     *         "kind": "ssh.execute",
                     *         "arguments": {
                     *           "command": "systemctl restart web"
                     *         }
                     *       },
                     *       "action_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                     *       "status": "pending",
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02",
                     *       "confidence": 0.8,
                     *       "risk": "medium",
                     *       "requested_by_kind": "agent",
                     *       "requested_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "decided_by_kind": "user",
                     *       "decided_by_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03",
                     *       "decided_at": "2026-01-31T09:35:00.000Z",
                     *       "reviewer_note": "Fine, but only once.",
                     *       "expires_at": "2026-01-31T10:30:00.000Z",
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ApprovalView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `forbidden`: These credentials do not allow this operation.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `self_approval`: The requester of an approval cannot decide it.
             */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `not_found`: There is no such resource. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /**
             * @description `idempotency_in_progress`: The first request with this Idempotency-Key is still running.
             *
             *     `approval_decided`: This approval has been decided or has expired.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `payload_too_large`: The body is larger than this operation takes. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unsupported_media_type`: This operation takes application/json. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `idempotency_key_reused`: This Idempotency-Key was used with another request. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `rate_limited`: The rate limit is reached. */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok",
                     *       "service": "wheelhouse",
                     *       "version": "0.1.0",
                     *       "uptime": 3600,
                     *       "timestamp": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["HealthView"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getHealthz: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok",
                     *       "service": "wheelhouse",
                     *       "version": "0.1.0",
                     *       "uptime": 3600,
                     *       "timestamp": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["HealthView"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Text. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example # HELP http_requests_total Requests answered.
                     *     # TYPE http_requests_total counter
                     *     http_requests_total{operation="getHealth",method="GET",status="200"} 1
                     */
                    "text/plain": string;
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unauthenticated`: No valid credentials were given. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "openapi": "3.1.0",
                     *       "info": {
                     *         "title": "Wheelhouse",
                     *         "version": "0.1.0"
                     *       },
                     *       "paths": {
                     *         "/health": {}
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["OpenApiView"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.
                 * @example deploy-2026-01-31-7
                 */
                "X-Request-Id"?: components["parameters"]["RequestId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ready",
                     *       "checks": {
                     *         "database": "ok",
                     *         "migrations": "ok",
                     *         "jobs": "ok",
                     *         "shutdown": "ok"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ReadinessView"];
                };
            };
            /** @description `invalid_request`: The request is malformed or a field is invalid. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `unavailable`: A dependency is away. */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
        };
    };
}
