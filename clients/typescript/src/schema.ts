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
    "/api/v1/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the users of the tenant, newest first
         * @description Lists the users of the tenant, newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `user:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Creates a user
         * @description Creates a user. Administrators of the operator tenant may name another tenant.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `user:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads a user
         * @description Reads a user.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `user:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getUser"];
        put?: never;
        post?: never;
        /**
         * Deactivates a user
         * @description Deactivates a user. Sessions and API keys stop at once; the account stays, for the record.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `user:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["deactivateUser"];
        options?: never;
        head?: never;
        /**
         * Changes a user
         * @description Changes a user. A new role, and a disabled account, hold from the next request on, in every process.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `user:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        patch: operations["updateUser"];
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
    "/api/v1/agent/boards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the boards that the calling agent is on
         * @description Lists the boards that the calling agent is on.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        get: operations["listOwnBoards"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/boards/{id}/memory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists what a board of the calling agent remembers, newest first
         * @description Lists what a board of the calling agent remembers, newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        get: operations["listOwnBoardMemory"];
        put?: never;
        /**
         * Adds to what a board of the calling agent remembers
         * @description Adds to what a board of the calling agent remembers.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["addOwnBoardMemory"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/boards/{id}/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists a board's tasks
         * @description Lists a board's tasks. For an agent that is on the board.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        get: operations["agentListBoardTasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reports that the agent is alive, and fetches what it is told to do
         * @description Reports that the agent is alive, and fetches what it is told to do. Any call with the agent's token is a sign of life; after three intervals without one the agent is `offline`, and its leases run out by themselves.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["sendHeartbeat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Creates a task
         * @description Creates a task. As on the users' side; on a board only when this agent is on it, and after or below tasks only that it may read.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["agentCreateTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads a task
         * @description Reads a task. One that is this agent's, that it holds or made, or that is on one of its boards.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        get: operations["agentGetTask"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Sets the status of a board's task
         * @description Sets the status of a board's task. For finishing a review or letting an inbox task go; the board's rules hold.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        patch: operations["agentUpdateTaskStatus"];
        trace?: never;
    };
    "/api/v1/agent/tasks/{id}/comments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the comments on a task
         * @description Lists the comments on a task. Newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        get: operations["agentListTaskComments"];
        put?: never;
        /**
         * Comments on a task
         * @description Comments on a task. One that this agent may see.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["agentCreateTaskComment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Completes a task
         * @description Completes a task. The same call again under the same fence gives the same answer.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["completeTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/{id}/fail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fails a task
         * @description Fails a task. It is queued again after a growing delay while it has retries left, else it becomes a dead letter.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["failTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gives a task back
         * @description Gives a task back. It is queued at once and the attempt is not counted.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["releaseTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/{id}/renew": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Extends a lease
         * @description Extends a lease. And tells what waits for the agent: pause, resume, kill, rotate_token.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["renewLease"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Claims tasks
         * @description Claims tasks. The most urgent and oldest that this agent may take, each under a lease; waits for one when asked to.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["claimTasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/tasks/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Completes several tasks
         * @description Completes several tasks. Each under its own fence and for itself; the answer says of each how it went.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | agent (scope `agent:work`) | 120000 requests per credential in 60 s; 20 failed agent authentications per address in 60 s | no |
         */
        post: operations["completeTasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the agents, newest first
         * @description Lists the agents, newest first. Deleted ones are not among them.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         *
         *     Also answers at `GET /api/v1/admin/agents`.
         */
        get: operations["listAgents"];
        put?: never;
        /**
         * Makes an agent and its token
         * @description Makes an agent and its token. The token is in this answer alone. Without `slug` one is made from the name, with a number when it is taken; a `slug` that is given and taken is refused. The agent is offline until it calls.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `POST /api/v1/admin/agents`.
         */
        post: operations["createAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads an agent
         * @description Reads an agent.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getAgent"];
        put?: never;
        post?: never;
        /**
         * Deletes an agent
         * @description Deletes an agent. Its tasks are queued again, its tokens are refused at once, and its slug is free; what it did stays readable. The agent that the setting `conductor.agent_id` names cannot be deleted.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["deleteAgent"];
        options?: never;
        head?: never;
        /**
         * Changes the fields that are given
         * @description Changes the fields that are given. `is_active: false` acts at once, as stop does: the agent's tasks are queued again and its token is refused. Null clears a field that may be empty.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        patch: operations["updateAgent"];
        trace?: never;
    };
    "/api/v1/agents/{id}/kill": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Kills an agent
         * @description Kills an agent. It loses its leases at once, its tasks are queued again, its streams are cut, and its token is refused with `agent_killed` until it is resumed.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `agent:control`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `POST /api/v1/tools/agents-live/{id}/kill`.
         */
        post: operations["killAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pauses an agent: it gets no new task and may finish what it holds
         * @description Pauses an agent: it gets no new task and may finish what it holds. Its next heartbeat is told.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `agent:control`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `POST /api/v1/tools/agents-live/{id}/pause`.
         */
        post: operations["pauseAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/presence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads when an agent was last heard, and what it said of itself
         * @description Reads when an agent was last heard, and what it said of itself.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getAgentPresence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resumes an agent that was paused or killed
         * @description Resumes an agent that was paused or killed.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `agent:control`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `POST /api/v1/tools/agents-live/{id}/resume`.
         */
        post: operations["resumeAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/rotate-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replaces the agent's token
         * @description Replaces the agent's token. The new one is in this answer alone. With `overlap_seconds` the present token works that much longer and the agent's next heartbeat carries a `rotate_token` command; without, it ends at once.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["rotateAgentToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Activates an agent: its token works, and its status is idle until it is heard or has been silent for three heartbeats
         * @description Activates an agent: its token works, and its status is idle until it is heard or has been silent for three heartbeats.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["startAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agents/{id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deactivates an agent
         * @description Deactivates an agent. Its tasks are queued again and its token is refused with `agent_inactive`, at once.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `agent:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["stopAgent"];
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
    "/api/v1/audit/checkpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the signed checkpoints of the audit log
         * @description Lists the signed checkpoints of the audit log. Newest first: each says how many rows the log had and the root of the Merkle tree over them. Whoever keeps one elsewhere can later tell whether any row before it was touched.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listAuditCheckpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Exports the sealed audit log as a bundle
         * @description Exports the sealed audit log as a bundle. JSON Lines: a header with the public keys, the checkpoints, each row with its place, leaf hash and content, and an end. `npx wheelhouse audit verify FILE` checks it with no server and no database.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:export`) | 120 exports and verifications of the audit log per address in 60 s; 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        get: operations["exportAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/proofs/consistency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Proves that an earlier tree is the beginning of a later one
         * @description Proves that an earlier tree is the beginning of a later one. Nothing was changed or taken out between the two (RFC 9162).
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["proveAuditConsistency"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/proofs/inclusion": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Proves that a row is in the tree
         * @description Proves that a row is in the tree. The path leads from the row's leaf to the root of a checkpoint (RFC 9162).
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["proveAuditInclusion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/public-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Answers the keys that checkpoints are signed with
         * @description Answers the keys that checkpoints are signed with. Note them down at the beginning, where this installation cannot change them.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getAuditPublicKey"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Recomputes the tree from the rows
         * @description Recomputes the tree from the rows. It is measured against the checkpoints, and against one that the caller kept elsewhere; the first wrong row is named. What an intruder with all rights did to rows and checkpoints alike is found only with a checkpoint from elsewhere.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `audit:read`) | 120 exports and verifications of the audit log per address in 60 s; 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["verifyAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Changes the own password
         * @description Changes the own password. It takes the current one, and ends all other sessions of the account at once.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user, client (scope `profile:write`) | 30 sign-in attempts per address in 60 s; 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Signs in with a password
         * @description Signs in with a password. An account with a second factor gets a challenge, which /auth/mfa/challenge ends. After ten failures in a row each further attempt has to wait, up to a minute; the operator may choose other numbers. A page in a browser asks for `session: "cookie"`: the session is then held by the cookie `__Host-wheelhouse` (`wheelhouse` over plain HTTP on the own machine), which scripts cannot read, and every request that is no GET has to carry `csrf_token` as `x-csrf-token`.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | 30 sign-in attempts per address in 60 s | yes |
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Signs out
         * @description Signs out. The session ends in every process before the answer is sent; the cookie of a browser is taken away.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user, client (scope `profile:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads the own profile
         * @description Reads the own profile. For an API key it is its owner's.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user, client (scope `profile:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getMe"];
        /**
         * Changes the own profile
         * @description Changes the own profile. Role and address are an administrator's to give.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user, client (scope `profile:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        put: operations["updateMe"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Trades a refresh token for new tokens
         * @description Trades a refresh token for new tokens. Each works once: of several requests with one token a single one wins, and all others end the session, its new tokens included. Send an Idempotency-Key to repeat a request whose answer was lost. With the session cookie in the place of a token (and `x-csrf-token`) the cookie is renewed, and no token is shown.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | 300 token refreshes per address in 60 s | no |
         */
        post: operations["refreshTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an account of one's own: a user of the default tenant
         * @description Makes an account of one's own: a user of the default tenant. Can be switched off.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | 20 registrations per address in 60 s | yes |
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the own sessions that are open, newest first
         * @description Lists the own sessions that are open, newest first. For an API key they are its owner's.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user, client (scope `profile:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listOwnSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Ends one of the own sessions, on whatever device it is open
         * @description Ends one of the own sessions, on whatever device it is open.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user, client (scope `profile:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["endOwnSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/boards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the boards, newest first
         * @description Lists the boards, newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listBoards"];
        put?: never;
        /**
         * Makes a board
         * @description Makes a board. Without `slug` one is made from the name, with a number when it is taken; a `slug` that is given and taken is refused. A `lead_agent_id` is put on the board.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["createBoard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/boards/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads a board
         * @description Reads a board.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getBoard"];
        put?: never;
        post?: never;
        /**
         * Deletes a board on which every task is completed or cancelled
         * @description Deletes a board on which every task is completed or cancelled. Its tasks stay readable; no agent is on it any more.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["deleteBoard"];
        options?: never;
        head?: never;
        /**
         * Changes the fields that are given; the rules act on the next change of a task
         * @description Changes the fields that are given; the rules act on the next change of a task. Null clears a field that may be empty.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        patch: operations["updateBoard"];
        trace?: never;
    };
    "/api/v1/boards/{id}/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the agents on a board
         * @description Lists the agents on a board.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listBoardAgents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/boards/{id}/agents/{agent_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Puts an agent on a board, up to `max_agents`
         * @description Puts an agent on a board, up to `max_agents`. One that is on it already stays.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        put: operations["addBoardAgent"];
        post?: never;
        /**
         * Takes an agent off a board
         * @description Takes an agent off a board. It gets no more tasks from it and may finish what it holds; a lead leads no more.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["removeBoardAgent"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/boards/{id}/memory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists what a board remembers, newest first
         * @description Lists what a board remembers, newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listBoardMemory"];
        put?: never;
        /**
         * Adds to what a board remembers
         * @description Adds to what a board remembers.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["addBoardMemory"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/boards/{id}/memory/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Streams what is added
         * @description Streams what is added. Server-sent events: `ready` once, then `memory` with the entry, and `end` with a reason (`gone`, `revoked`, `shutdown`). A client that reconnects with `Last-Event-ID` misses nothing.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `board:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["streamBoardMemory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists dead letters
         * @description Lists dead letters. Tasks whose retries are used up, whose deadline has passed, or that were given up by hand; newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `dead-letter:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listDeadLetters"];
        put?: never;
        /**
         * Gives a task up by hand
         * @description Gives a task up by hand. Its lease, if it has one, is taken back at once.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `dead-letter:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["createDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letter/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Removes a dead letter
         * @description Removes a dead letter. The task itself stays, as a dead letter without an entry.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `dead-letter:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["deleteDeadLetter"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letter/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Starts a dead letter again
         * @description Starts a dead letter again. The task is queued at attempt 0 and remembers the entry it came from. A deadline that has passed is cleared; PATCH /tasks/{id} sets a new one.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `dead-letter:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["retryDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letter/retry-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Starts all dead letters again
         * @description Starts all dead letters again. They are queued at 100 a second, so that what failed before is not flooded; deadlines that have passed are cleared.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `dead-letter:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["retryAllDeadLetters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dead-letter/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Counts dead letters
         * @description Counts dead letters. In all, of the last day, and by their most frequent reasons.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `dead-letter:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getDeadLetterStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/intake": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the forms that were sent in, newest first
         * @description Lists the forms that were sent in, newest first. They belong to the operator tenant; every other has none.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `intake:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listIntake"];
        put?: never;
        /**
         * Takes the form of somebody who wants to become a tenant
         * @description Takes the form of somebody who wants to become a tenant. Open to everyone, a few times a minute.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | 10 forms per address in 60 s | yes |
         */
        post: operations["submitIntake"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/intake/conversions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turns a form into a tenant with its first administrator
         * @description Turns a form into a tenant with its first administrator. For administrators of the operator tenant. A form becomes a tenant once, and of the tenant, its administrator and the form's end either all is done or nothing.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["convertIntake"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/security": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads the security policy of the tenant
         * @description Reads the security policy of the tenant.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getSecurity"];
        /**
         * Changes the security policy of the tenant
         * @description Changes the security policy of the tenant. It holds at once, in every process, for sessions that are open too.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        put: operations["updateSecurity"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/security/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists API keys, newest first
         * @description Lists API keys, newest first. Users see their own, administrators all of the tenant. Revoked ones are left out.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `api-key:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         *
         *     Also answers at `GET /api/v1/api-keys`.
         */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Creates an API key, shown this once
         * @description Creates an API key, shown this once. It may do what its scopes say, within what its owner may do at the time of each request. A key that is made with a key expires and is revoked with it.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `api-key:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `POST /api/v1/api-keys`.
         */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/security/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revokes an API key, and all keys that were made with it
         * @description Revokes an API key, and all keys that were made with it. It is refused everywhere before the answer is sent.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `api-key:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/security/password-policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads what new passwords are held against
         * @description Reads what new passwords are held against.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getPasswordPolicy"];
        /**
         * Changes what new passwords are held against
         * @description Changes what new passwords are held against. Passwords that people have already stay good.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        put: operations["updatePasswordPolicy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/security/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the sessions of the tenant's users that are open, newest first
         * @description Lists the sessions of the tenant's users that are open, newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * Ends all sessions of a user
         * @description Ends all sessions of a user. Requests, sockets and streams of them stop at once, in every process.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["endSessionsOfUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/security/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Ends a session
         * @description Ends a session. Requests, sockets and streams of it stop at once, in every process.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `security:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/setup/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes the first administrator and signs in
         * @description Makes the first administrator and signs in. It takes the setup token, and works exactly once.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | 20 setup attempts per address in 60 s | yes |
         */
        post: operations["completeSetup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/setup/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Says whether the installation waits for its first administrator
         * @description Says whether the installation waits for its first administrator.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | anyone | none | no |
         */
        get: operations["getSetupStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists tasks
         * @description Lists tasks. Newest first; filters combine.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         *
         *     Also answers at `GET /api/v1/queue`.
         */
        get: operations["listTasks"];
        put?: never;
        /**
         * Creates a task
         * @description Creates a task. It is queued at once unless it is kept in the inbox or depends on tasks that are not completed.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["createTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads a task
         * @description Reads a task. With its result, its dependencies and parts, and every attempt that has ended.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getTask"];
        put?: never;
        post?: never;
        /**
         * Cancels a task that waits
         * @description Cancels a task that waits. One that an agent works on is cancelled with POST /tasks/{id}/cancel.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `DELETE /api/v1/queue/{id}`.
         */
        delete: operations["cancelPendingTask"];
        options?: never;
        head?: never;
        /**
         * Changes a task
         * @description Changes a task. Fields, or its status as far as people set it by hand; the board's rules hold.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         *
         *     Also answers at `PATCH /api/v1/queue/{id}`.
         */
        patch: operations["updateTask"];
        trace?: never;
    };
    "/api/v1/tasks/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stops a task that has not ended
         * @description Stops a task that has not ended. Its lease, if any, is taken back at once.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["cancelTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks/{id}/comments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the comments on a task
         * @description Lists the comments on a task. Newest first.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listTaskComments"];
        put?: never;
        /**
         * Comments on a task
         * @description Comments on a task. Agents that hold or may see the task read it too.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["createTaskComment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Counts tasks
         * @description Counts tasks. By status and by priority, with the age of the oldest that is ready.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getTaskStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follows tasks
         * @description Follows tasks. A stream of server-sent events task.created, task.updated, task.completed and task.failed; Last-Event-ID resumes it. In their data agent_id is the agent that the task is meant for, holder_id the one that holds it or held it until then.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin, user (scope `task:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["streamTasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists tenants, newest first
         * @description Lists tenants, newest first. Administrators of other tenants than the operator's see their own alone.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["listTenants"];
        put?: never;
        /**
         * Creates a tenant
         * @description Creates a tenant. For administrators of the operator tenant.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["createTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reads a tenant
         * @description Reads a tenant.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:read`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | no |
         */
        get: operations["getTenant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Changes a tenant
         * @description Changes a tenant. For administrators of the operator tenant.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        patch: operations["updateTenant"];
        trace?: never;
    };
    "/api/v1/tenants/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resumes a suspended tenant
         * @description Resumes a suspended tenant. Sessions that have not expired meanwhile work again.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["resumeTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/suspend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Suspends a tenant
         * @description Suspends a tenant. Its users, keys and agents are refused from the next request on; nothing is lost.
         *
         *     | Who may call | Limits | Audited |
         *     | --- | --- | --- |
         *     | admin (scope `tenant:write`) | 120000 requests per credential in 60 s; 60 failed authentications per address in 60 s | yes |
         */
        post: operations["suspendTenant"];
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
        AddBoardMemoryDto: {
            /**
             * @description The text.
             * @example The staging server is rebuilt every night at two.
             */
            content: string;
            /**
             * @description Where it comes from.
             * @example Operations handbook
             */
            source?: string | null;
            /**
             * @description Words to find it by.
             * @example [
             *       "staging"
             *     ]
             */
            tags?: string[];
        };
        AgentCommandView: {
            /**
             * @description pause: take no new task; resume: go on; kill: drop everything; rotate_token: fetch the new token from the operator
             *     before the present one ends.
             * @example pause
             * @enum {string}
             */
            command: "kill" | "pause" | "resume" | "rotate_token";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example Maintenance window */
            reason: string | null;
        };
        /** @description One page of a list. */
        AgentPage: {
            /** @description What is on this page. */
            items: components["schemas"]["AgentView"][];
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
        AgentPresenceView: {
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            agent_id: string;
            /**
             * @description The board in its last heartbeat that had one.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            board_id: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            last_heartbeat_at: string | null;
            /**
             * Format: date-time
             * @description Its last call of any kind; exact to a quarter of the heartbeat interval.
             * @example 2026-01-31T09:30:00.000Z
             */
            last_seen_at: string | null;
            /**
             * @description The name in its last heartbeat that had one.
             * @example Tessa
             */
            reported_name: string | null;
            /**
             * @description The status in its last heartbeat.
             * @example online
             */
            reported_status: string | null;
        };
        AgentView: {
            /**
             * @description How much it may do without being asked.
             * @example supervised
             * @enum {string}
             */
            autonomy_level: "autonomous" | "manual" | "supervised";
            control_reason: string | null;
            /**
             * @description What an operator decided: a paused agent gets no new task, a killed one is cut off until it is resumed.
             * @example running
             * @enum {string}
             */
            control_state: "killed" | "paused" | "running";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Most that it may spend in a day, in USD.
             * @example 25.5
             */
            daily_budget_usd: number | null;
            /** @example Reviews pull requests */
            description: string | null;
            /**
             * @example [
             *       "git",
             *       "shell"
             *     ]
             */
            enabled_tools: string[];
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example true */
            is_active: boolean;
            /** @example claude-sonnet-4-6 */
            llm_model: string | null;
            /** @example anthropic */
            llm_provider: string | null;
            /** @example 10 */
            max_concurrent_tasks: number;
            /** @example 4096 */
            max_tokens: number | null;
            /**
             * @example {
             *       "team": "platform"
             *     }
             */
            metadata: {
                [key: string]: unknown;
            };
            /** @example Code reviewer */
            name: string;
            /**
             * @description Grows with each change; part of the ETag.
             * @example 1
             */
            revision: number;
            /** @example specialist */
            role: string;
            /**
             * @description Unique in the tenant.
             * @example code-reviewer
             */
            slug: string;
            /**
             * @description What it is doing now.
             * @example idle
             * @enum {string}
             */
            status: "busy" | "error" | "idle" | "maintenance" | "offline" | "paused";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            status_changed_at: string;
            /** @example You review code for mistakes. */
            system_prompt: string | null;
            /** @example 0.2 */
            temperature: number | null;
            /**
             * @description The tenant it works for.
             * @example 00000000-0000-7000-8000-000000000001
             */
            tenant_id: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
            /** @example worker-1 */
            worker_id: string | null;
        };
        /** @description One page of a list. */
        ApiKeyPage: {
            /** @description What is on this page. */
            items: components["schemas"]["ApiKeyView"][];
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
        ApiKeyView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description From then on it is refused; null means never.
             * @example 2027-01-31T09:30:00.000Z
             */
            expires_at: string | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * Format: date-time
             * @description When it was used last, some seconds late.
             * @example 2026-01-31T09:30:00.000Z
             */
            last_used_at: string | null;
            /** @example Nightly reports */
            name: string;
            /**
             * @description The user whose key it is.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
             */
            owner_id: string;
            /**
             * @description The first characters of the key, to recognise it by.
             * @example whk_2Jx0dJ
             */
            prefix: string;
            /**
             * @description Grows by one with every change; part of the ETag.
             * @example 1
             */
            revision: number;
            /**
             * @description What it may do, within what its owner may do now.
             * @example [
             *       "task:read",
             *       "agent:read"
             *     ]
             */
            scopes: string[];
        };
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
            risk: "critical" | "high" | "low" | "medium" | null;
            /**
             * @example pending
             * @enum {string}
             */
            status: "approved" | "expired" | "pending" | "rejected";
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
            task_id: string | null;
            /** @example Restart the web server */
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
            after: unknown;
            /**
             * @description The resource before the change.
             * @example {
             *       "status": "queued"
             *     }
             */
            before: unknown;
            /**
             * @description What else is to be said.
             * @example {
             *       "reason": "no longer needed"
             *     }
             */
            detail: unknown;
            /**
             * @description Whether the content of this row (label, address, before, after, detail) was erased. That it happened stays.
             * @example false
             */
            erased: boolean;
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
            outcome: "denied" | "done" | "failed";
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
        BlockingTaskView: {
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * @example dead_letter
             * @enum {string}
             */
            status: "blocked" | "cancelled" | "completed" | "dead_letter" | "failed" | "in_progress" | "inbox" | "queued" | "review";
        };
        /** @description One page of a list. */
        BoardMemoryPage: {
            /** @description What is on this page. */
            items: components["schemas"]["BoardMemoryView"][];
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
        BoardMemoryView: {
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            author_id: string;
            /**
             * @description Kind of caller that added it: user, api_key, agent or bootstrap.
             * @example agent
             */
            author_kind: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            board_id: string;
            /** @example The staging server is rebuilt every night at two. */
            content: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example Operations handbook */
            source: string | null;
            /**
             * @example [
             *       "staging"
             *     ]
             */
            tags: string[];
        };
        /** @description One page of a list. */
        BoardPage: {
            /** @description What is on this page. */
            items: components["schemas"]["BoardView"][];
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
        BoardView: {
            /** @example false */
            block_status_changes_with_pending_approval: boolean;
            /** @example false */
            comment_required_for_review: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example Work on the public website */
            description: string | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            lead_agent_id: string | null;
            /** @example 5 */
            max_agents: number | null;
            /** @example Website */
            name: string;
            /** @example false */
            only_lead_can_change_status: boolean;
            /** @example false */
            require_approval_for_done: boolean;
            /** @example true */
            require_review_before_done: boolean;
            /**
             * @description Grows with each change; part of the ETag.
             * @example 1
             */
            revision: number;
            /**
             * @description Unique in the tenant.
             * @example website
             */
            slug: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
        };
        CancelTaskDto: {
            /**
             * @description Why, for those who look later.
             * @example No longer needed
             */
            reason?: string;
        };
        ChangePasswordDto: {
            /** @example seven-otters-hum-at-noon */
            current_password: string;
            /**
             * @description 8 to 256 characters, and no common password.
             * @example nine-herons-sleep-till-dawn
             */
            new_password: string;
        };
        /** @description One page of a list. */
        CheckpointPage: {
            /** @description What is on this page. */
            items: components["schemas"]["CheckpointView"][];
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
        CheckpointView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description The signed note (C2SP tlog-checkpoint): keep it where this installation cannot change it.
             * @example wheelhouse.audit/1/2\n1042\nK6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=\ntime 2026-01-31T09:30:00.000Z\n\n— wheelhouse.audit/1 q83vEjRW...\n
             */
            note: string;
            /**
             * @description Root of the Merkle tree over them, in base64.
             * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
             */
            root: string;
            /**
             * @description How many rows it covers.
             * @example 1042
             */
            size: number;
        };
        ClaimedTaskView: {
            lease: components["schemas"]["LeaseView"];
            task: components["schemas"]["TaskView"];
        };
        ClaimTasksDto: {
            /**
             * Format: uuid
             * @description Only tasks of this board.
             */
            board_id?: string;
            /**
             * @description How long the lease lasts, in seconds.
             * @default 60
             * @example 60
             */
            lease_seconds: number;
            /**
             * @description Most tasks to take.
             * @default 1
             * @example 1
             */
            max: number;
            /**
             * @description How long to wait for a task when there is none, in seconds.
             * @default 0
             * @example 20
             */
            wait_seconds: number;
        };
        ClaimView: {
            items: components["schemas"]["ClaimedTaskView"][];
        };
        CompletedItemsView: {
            items: components["schemas"]["CompletedItemView"][];
        };
        CompletedItemView: {
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example true */
            ok: boolean;
            /** @description Why not. */
            problem?: components["schemas"]["ProblemView"];
        };
        CompleteItemDto: {
            /**
             * @description The fence of the lease, as the claim gave it.
             * @example 1
             */
            fence: number;
            /**
             * Format: uuid
             * @description The task.
             */
            id: string;
            /**
             * @description Names or addresses of files that were made.
             * @example [
             *       "summary.pdf"
             *     ]
             */
            output_files?: string[];
            /**
             * @description Any JSON.
             * @example {
             *       "summary": "Revenue grew."
             *     }
             */
            result?: unknown;
        };
        CompleteSetupDto: {
            /**
             * Format: email
             * @example ada@example.com
             */
            email: string;
            /** @example Ada Lovelace */
            full_name: string;
            /**
             * @description Name of the operator's tenant.
             * @example Analytical Engines
             */
            organization?: string;
            /**
             * @description 8 to 256 characters, and no common password.
             * @example seven-otters-hum-at-noon
             */
            password: string;
            /**
             * @description cookie, for a page in a browser: the answer sets an HttpOnly cookie that holds the session, and shows no tokens.
             * @example bearer
             * @enum {string}
             */
            session?: "bearer" | "cookie";
            /**
             * @description The token that was printed at the last start, or SETUP_TOKEN.
             * @example whs_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
             */
            setup_token: string;
        };
        CompleteTaskDto: {
            /**
             * @description The fence of the lease, as the claim gave it.
             * @example 1
             */
            fence: number;
            /**
             * @description Names or addresses of files that were made.
             * @example [
             *       "summary.pdf"
             *     ]
             */
            output_files?: string[];
            /**
             * @description Any JSON.
             * @example {
             *       "summary": "Revenue grew."
             *     }
             */
            result?: unknown;
        };
        CompleteTasksDto: {
            /** @description Up to 100 completions, each under its own fence. */
            items: components["schemas"]["CompleteItemDto"][];
        };
        ConsistencyProofView: {
            from: components["schemas"]["TreeView"];
            /**
             * @description Hashes in base64; none when both have the same size.
             * @example [
             *       "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0="
             *     ]
             */
            path: string[];
            to: components["schemas"]["TreeView"];
        };
        ControlAgentDto: {
            /**
             * @description For the agent, the audit log and whoever looks next.
             * @example Maintenance window
             */
            reason?: string;
        };
        ConvertIntakeDto: {
            /** @example Acme Ltd */
            name: string;
            /**
             * @description Of the first administrator, who has the submission's name and address. Hand it over by a way of your own; it can be
             *     changed at /auth/change-password.
             * @example seven-otters-hum-at-noon
             */
            password: string;
            /**
             * @description Lower-case letters, digits and hyphens, up to 60; it never changes.
             * @example acme
             */
            slug: string;
            /**
             * Format: uuid
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            submission_id: string;
        };
        CreateAgentDto: {
            /**
             * @description How much it may do without being asked: manual, supervised or autonomous.
             * @example supervised
             * @enum {string}
             */
            autonomy_level?: "autonomous" | "manual" | "supervised";
            /**
             * @description Most that it may spend in a day, in USD with up to 6 decimals.
             * @example 25.5
             */
            daily_budget_usd?: number | null;
            /**
             * @description What the agent is for.
             * @example Reviews pull requests
             */
            description?: string | null;
            /**
             * @description The tools it has: it is given only tasks whose required_tools are among them.
             * @example [
             *       "git",
             *       "shell"
             *     ]
             */
            enabled_tools?: string[];
            /**
             * @description Whether it works at all. False takes its tasks away and refuses its token at once, as stop does.
             * @example true
             */
            is_active?: boolean;
            /**
             * @description Its language model; `provider/model` in one string is split.
             * @example claude-sonnet-4-6
             */
            llm_model?: string | null;
            /**
             * @description Provider of its language model.
             * @example anthropic
             */
            llm_provider?: string | null;
            /**
             * @description Most tasks that it holds at a time.
             * @example 10
             */
            max_concurrent_tasks?: number;
            /**
             * @description Most tokens in an answer of its model.
             * @example 4096
             */
            max_tokens?: number | null;
            /**
             * @description Anything else worth keeping, at most 16 KiB of JSON.
             * @example {
             *       "team": "platform"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description Name shown to people.
             * @example Code reviewer
             */
            name: string;
            /**
             * @description Its part in the fleet: conductor, specialist, analyst, creative, technical, or a word of your own.
             * @example specialist
             */
            role?: string;
            /**
             * @description Short unique name; made from the name when left out.
             * @example code-reviewer
             */
            slug?: string;
            /**
             * @description Its system prompt.
             * @example You review code for mistakes.
             */
            system_prompt?: string | null;
            /**
             * @description Sampling temperature.
             * @example 0.2
             */
            temperature?: number | null;
            /**
             * @description The worker node that it runs on.
             * @example worker-1
             */
            worker_id?: string | null;
        };
        CreateApiKeyDto: {
            /**
             * Format: date-time
             * @description When it stops to work; left out, never.
             * @example 2027-01-31T09:30:00.000Z
             */
            expires_at?: string | null;
            /**
             * @description What it is for.
             * @example Nightly reports
             */
            name: string;
            /**
             * @description What it may do: permissions (`task:read`), families of them (`task:*`), or everything that you may do (`*`, for
             *     administrators). Never more than you may do yourself.
             * @example [
             *       "task:read",
             *       "agent:read"
             *     ]
             */
            scopes: string[];
        };
        CreateBoardDto: {
            /**
             * @description While an approval for a task is pending its status does not change.
             * @example false
             */
            block_status_changes_with_pending_approval?: boolean;
            /**
             * @description A task enters review only with a comment.
             * @example false
             */
            comment_required_for_review?: boolean;
            /**
             * @description What the board is for.
             * @example Work on the public website
             */
            description?: string | null;
            /**
             * Format: uuid
             * @description The agent that leads; it is put on the board when it is not there.
             */
            lead_agent_id?: string | null;
            /**
             * @description Most agents on the board; null for any number.
             * @example 5
             */
            max_agents?: number | null;
            /**
             * @description Name shown to people.
             * @example Website
             */
            name: string;
            /**
             * @description Of the agents only the lead changes the status of tasks.
             * @example false
             */
            only_lead_can_change_status?: boolean;
            /**
             * @description A task is completed only with an approved approval.
             * @example false
             */
            require_approval_for_done?: boolean;
            /**
             * @description An agent's completion leads to review; somebody else completes the task.
             * @example true
             */
            require_review_before_done?: boolean;
            /**
             * @description Short unique name; made from the name when left out.
             * @example website
             */
            slug?: string;
        };
        CreateCommentDto: {
            /** @example The numbers of page 3 need a source. */
            body: string;
        };
        CreatedAgentView: {
            /**
             * @description How much it may do without being asked.
             * @example supervised
             * @enum {string}
             */
            autonomy_level: "autonomous" | "manual" | "supervised";
            control_reason: string | null;
            /**
             * @description What an operator decided: a paused agent gets no new task, a killed one is cut off until it is resumed.
             * @example running
             * @enum {string}
             */
            control_state: "killed" | "paused" | "running";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Most that it may spend in a day, in USD.
             * @example 25.5
             */
            daily_budget_usd: number | null;
            /** @example Reviews pull requests */
            description: string | null;
            /**
             * @example [
             *       "git",
             *       "shell"
             *     ]
             */
            enabled_tools: string[];
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example true */
            is_active: boolean;
            /** @example claude-sonnet-4-6 */
            llm_model: string | null;
            /** @example anthropic */
            llm_provider: string | null;
            /** @example 10 */
            max_concurrent_tasks: number;
            /** @example 4096 */
            max_tokens: number | null;
            /**
             * @example {
             *       "team": "platform"
             *     }
             */
            metadata: {
                [key: string]: unknown;
            };
            /** @example Code reviewer */
            name: string;
            /**
             * @description Grows with each change; part of the ETag.
             * @example 1
             */
            revision: number;
            /** @example specialist */
            role: string;
            /**
             * @description Unique in the tenant.
             * @example code-reviewer
             */
            slug: string;
            /**
             * @description What it is doing now.
             * @example idle
             * @enum {string}
             */
            status: "busy" | "error" | "idle" | "maintenance" | "offline" | "paused";
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            status_changed_at: string;
            /** @example You review code for mistakes. */
            system_prompt: string | null;
            /** @example 0.2 */
            temperature: number | null;
            /**
             * @description The tenant it works for.
             * @example 00000000-0000-7000-8000-000000000001
             */
            tenant_id: string;
            /**
             * @description The agent's token. It is shown this once and stored hashed.
             * @example wha_0bC2dE4fG6hI8jK0lM2nO4pQ6rS8tU0vW1xY3zA
             */
            token: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
            /** @example worker-1 */
            worker_id: string | null;
        };
        CreateDeadLetterDto: {
            /** @example The customer has left */
            reason: string;
            /**
             * Format: uuid
             * @description A task that has not ended.
             */
            task_id: string;
        };
        CreateTaskDto: {
            /**
             * Format: uuid
             * @description Only this agent may take it.
             */
            agent_id?: string;
            /**
             * Format: uuid
             * @description Only agents on this board may take it, and the board's rules hold.
             */
            board_id?: string;
            /**
             * Format: date-time
             * @description When it must have ended; a task that has not by then becomes a dead letter.
             * @example 2027-01-31T18:00:00.000Z
             */
            deadline?: string;
            /** @description Tasks that must be completed first; until then this one is blocked. */
            depends_on?: string[];
            /**
             * @description More about it, for people.
             * @example The board wants two pages.
             */
            description?: string;
            /**
             * @description What the agent is told to do.
             * @example Read the attached report and write a summary of at most two pages.
             */
            instructions?: string;
            /**
             * @description How often it is tried again after the first attempt failed.
             * @example 3
             */
            max_retries?: number;
            /**
             * Format: uuid
             * @description The task that this one is a part of.
             */
            parent_task_id?: string;
            /**
             * @description Any JSON that the agent needs; at most 256 KiB.
             * @example {
             *       "report": "q4.pdf"
             *     }
             */
            payload?: unknown;
            /**
             * @description critical is handed out first, then high, medium, low; among equals the oldest.
             * @example high
             * @enum {string}
             */
            priority?: "critical" | "high" | "low" | "medium";
            /**
             * @description Tools that the agent must have.
             * @example [
             *       "web_search"
             *     ]
             */
            required_tools?: string[];
            /**
             * @description inbox keeps it back until someone queues it.
             * @example queued
             * @enum {string}
             */
            status?: "inbox" | "queued";
            /**
             * @description What is to be done, in one line.
             * @example Summarise the quarterly report
             */
            title: string;
        };
        CreateTenantDto: {
            /** @example Acme Ltd */
            name: string;
            /** @example free */
            plan?: string;
            /**
             * @description Lower-case letters, digits and hyphens, up to 60; it never changes.
             * @example acme
             */
            slug: string;
        };
        CreateUserDto: {
            /**
             * Format: email
             * @description The address to sign in with. One address is one account in the whole installation.
             * @example ada@example.com
             */
            email: string;
            /** @example Ada Lovelace */
            full_name: string;
            /**
             * @description 8 to 256 characters, and no common password.
             * @example seven-otters-hum-at-noon
             */
            password: string;
            /**
             * @description What the person may do.
             * @example user
             * @enum {string}
             */
            role?: "admin" | "client" | "user";
            /**
             * @description The tenant to make the user in, by id or slug. For administrators of the operator tenant; left out, the own tenant.
             * @example default
             */
            tenant_id?: string;
        };
        /** @description One page of a list. */
        DeadLetterPage: {
            /** @description What is on this page. */
            items: components["schemas"]["DeadLetterView"][];
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
        DeadLetterStatsView: {
            /** @example 1 */
            last_24h: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            oldest_at: string | null;
            /**
             * @description The most frequent reasons.
             * @example [
             *       {
             *         "reason": "The report is encrypted.",
             *         "count": 2
             *       }
             *     ]
             */
            top_reasons: components["schemas"]["ReasonCountView"][];
            /** @example 2 */
            total: number;
        };
        DeadLetterView: {
            /** @description The attempts as they were: errors, agents and times. */
            attempts: components["schemas"]["TaskAttemptView"][];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example The report is encrypted. */
            reason: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            task_id: string;
            /** @example Summarise the quarterly report */
            title: string;
        };
        DecideApprovalDto: {
            /**
             * @description What the reviewer has to say.
             * @example Fine, but only once.
             */
            note?: string;
        };
        EndedSessionsView: {
            /**
             * @description How many sessions were open.
             * @example 2
             */
            ended: number;
        };
        FailTaskDto: {
            /**
             * @description What went wrong.
             * @example The report is encrypted.
             */
            error: string;
            /**
             * @description The fence of the lease, as the claim gave it.
             * @example 1
             */
            fence: number;
            /**
             * @description false: trying again is of no use.
             * @default true
             * @example true
             */
            retryable: boolean;
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
            /**
             * @description The rule in words.
             * @example title must be shorter than or equal to 500 characters
             */
            message: string;
        };
        FindingView: {
            /** @example Row 17 is not what was sealed. */
            detail: string;
            /**
             * @description edited, deleted, inserted, reordered: that row was. cut: the tail is missing. rewritten: rows from this one on were
             *     changed together with their hashes. restored: an older state was put back. unsigned: a checkpoint is not this log's.
             * @example edited
             * @enum {string}
             */
            kind: "cut" | "deleted" | "edited" | "foreign" | "inserted" | "reordered" | "restored" | "rewritten" | "unsigned";
            /**
             * @description Its id, as far as it is known.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            row_id: string | null;
            /**
             * @description Place of the first wrong row.
             * @example 17
             */
            seq: number;
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
        HeartbeatDto: {
            /**
             * Format: uuid
             * @description The board that it works on now; it must be on it.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            board_id?: string;
            /**
             * @description What the agent calls itself; shown in its presence, its name stays.
             * @example Tessa
             */
            name?: string;
            /**
             * @description How it is: `online` becomes idle or busy by what it holds; `offline` signs off.
             * @example online
             * @enum {string}
             */
            status: "busy" | "error" | "idle" | "maintenance" | "offline" | "online" | "paused";
        };
        HeartbeatView: {
            agent: components["schemas"]["AgentView"];
            /** @description What waited for the agent, oldest first. Each command is delivered exactly once. */
            commands: components["schemas"]["AgentCommandView"][];
            /**
             * @description When the next heartbeat is due; after three missed the agent is offline.
             * @example 20
             */
            next_heartbeat_seconds: number;
        };
        InclusionProofView: {
            /** @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0= */
            leaf_hash: string;
            /**
             * @description Hashes from the leaf's sibling up, in base64.
             * @example [
             *       "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0="
             *     ]
             */
            path: string[];
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            row_id: string;
            /**
             * @description Its place in the log, from 0 on.
             * @example 17
             */
            seq: number;
            tree: components["schemas"]["TreeView"];
        };
        IntakeConversionView: {
            admin: components["schemas"]["UserView"];
            tenant: components["schemas"]["TenantView"];
        };
        IntakeReceiptView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
        };
        /** @description One page of a list. */
        IntakeSubmissionPage: {
            /** @description What is on this page. */
            items: components["schemas"]["IntakeSubmissionView"][];
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
        IntakeSubmissionView: {
            /** @example Auto-respond to support tickets */
            automation_wish: string | null;
            /**
             * @example [
             *       "telegram",
             *       "discord"
             *     ]
             */
            channels: string[];
            converted_at: string | null;
            /** @description The tenant that was made of it. */
            converted_tenant_id: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example john@example.com */
            email: string;
            /** @example John Doe */
            full_name: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * @description The address that it came from.
             * @example 203.0.113.7
             */
            ip: string | null;
            /** @example Cost reduction, better response time */
            priorities: string | null;
            /**
             * @example new
             * @enum {string}
             */
            status: "converted" | "new";
        };
        LeaseCommandView: {
            /**
             * @description pause, resume, kill or rotate_token.
             * @example pause
             */
            command: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example Maintenance window */
            reason: string | null;
        };
        LeaseView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:31:00.000Z
             */
            expires_at: string;
            /**
             * @description Send it with every write about the task.
             * @example 1
             */
            fence: number;
        };
        LockoutPolicyDto: {
            /**
             * @description So many wrong attempts in a row cost nothing.
             * @example 10
             */
            free_attempts?: number;
            /**
             * @description The wait after them doubles with each attempt, up to so many seconds: nobody is kept out by others for longer.
             * @example 60
             */
            longest_wait_seconds?: number;
        };
        LockoutPolicyView: {
            /** @example 10 */
            free_attempts: number;
            /** @example 60 */
            longest_wait_seconds: number;
        };
        LoginDto: {
            /**
             * Format: email
             * @example ada@example.com
             */
            email: string;
            /** @example seven-otters-hum-at-noon */
            password: string;
            /**
             * @description cookie, for a page in a browser: the answer sets an HttpOnly cookie that holds the session, and shows no tokens.
             * @example bearer
             * @enum {string}
             */
            session?: "bearer" | "cookie";
        };
        LogoutDto: {
            /**
             * @description Also ends the session of this refresh token, when it is one of the same person's.
             * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
             */
            refresh_token?: string;
        };
        MfaPolicyDto: {
            /**
             * @description Whether the second factor is asked for after single sign-on: always, or unless the provider says that it asked for one.
             * @example unless_amr
             * @enum {string}
             */
            after_sso?: "always" | "unless_amr";
            /**
             * @description Roles that must have a second factor. Who has none can do nothing but set one up.
             * @example [
             *       "admin"
             *     ]
             */
            required_roles?: ("admin" | "client" | "user")[];
        };
        MfaPolicyView: {
            /**
             * @description Whether it is asked for after single sign-on: always, or unless the provider says that it asked for one.
             * @example unless_amr
             * @enum {string}
             */
            after_sso: "always" | "unless_amr";
            /**
             * @example [
             *       "admin"
             *     ]
             */
            required_roles: ("admin" | "client" | "user")[];
        };
        MfaRequiredView: {
            /**
             * @description Send it to /auth/mfa/challenge with a code. It works once.
             * @example whm_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
             */
            challenge_token: string;
            /**
             * @description Seconds until it expires.
             * @example 300
             */
            expires_in: number;
            /**
             * @description What it can be answered with.
             * @example [
             *       "totp",
             *       "recovery_code"
             *     ]
             */
            methods: ("recovery_code" | "totp")[];
            /** @example true */
            mfa_required: boolean;
        };
        NewApiKeyView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description From then on it is refused; null means never.
             * @example 2027-01-31T09:30:00.000Z
             */
            expires_at: string | null;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * @description The key itself: send it as X-API-Key, or as Authorization: Bearer.
             * @example whk_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
             */
            key: string;
            /**
             * Format: date-time
             * @description When it was used last, some seconds late.
             * @example 2026-01-31T09:30:00.000Z
             */
            last_used_at: string | null;
            /** @example Nightly reports */
            name: string;
            /**
             * @description The user whose key it is.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
             */
            owner_id: string;
            /**
             * @description The first characters of the key, to recognise it by.
             * @example whk_2Jx0dJ
             */
            prefix: string;
            /**
             * @description Grows by one with every change; part of the ETag.
             * @example 1
             */
            revision: number;
            /**
             * @description What it may do, within what its owner may do now.
             * @example [
             *       "task:read",
             *       "agent:read"
             *     ]
             */
            scopes: string[];
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
        PasswordPolicyView: {
            /**
             * @description Common passwords are always refused, and those made of the address.
             * @example true
             */
            common_refused: boolean;
            /**
             * @description How many passwords before the current one are not taken again.
             * @example 3
             */
            history: number;
            /**
             * @description The tenant's.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            id: string;
            /** @example 256 */
            max_length: number;
            /** @example 8 */
            min_length: number;
            /**
             * @description Grows with every change of the security policy; part of the ETag.
             * @example 1
             */
            revision: number;
            /**
             * Format: date-time
             * @description When the policy was changed last; null while it is as it came.
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string | null;
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
            current: (string | number) | null;
            /**
             * @description What happened, in words.
             * @example The lease on this task is no longer held.
             */
            detail: string;
            /**
             * @description The same as detail.
             * @example The lease on this task is no longer held.
             */
            error: string;
            /** @description The wrong fields, when fields are wrong. */
            errors: components["schemas"]["FieldErrorView"][];
            /**
             * @description The limit that was met.
             * @example 20
             */
            limit: (string | number) | null;
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
            /**
             * @description Short name of the kind of problem.
             * @example Lease lost
             */
            title: string;
            /**
             * @description Relative reference of the problem's page in the documents.
             * @example /problems/lease-lost
             */
            type: string;
        };
        PublicKeyView: {
            /**
             * @description Verifier keys (C2SP signed-note), the oldest first; one for each key that this installation ever signed with.
             * @example [
             *       "wheelhouse.audit/1+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
             *     ]
             */
            keys: string[];
            /**
             * @description Name of this tenant's log: the first line of its checkpoints.
             * @example wheelhouse.audit/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
             */
            origin: string;
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
            status: "not_ready" | "ready";
        };
        ReasonCountView: {
            /** @example 2 */
            count: number;
            /** @example The report is encrypted. */
            reason: string;
        };
        RefreshDto: {
            /**
             * @description The one that came last; each works once. Left out by a browser, which has its session cookie.
             * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
             */
            refresh_token?: string;
        };
        RegisterDto: {
            /**
             * Format: email
             * @description The address to sign in with.
             * @example ada@example.com
             */
            email: string;
            /** @example Ada Lovelace */
            full_name: string;
            /**
             * @description 8 to 256 characters, and no common password.
             * @example seven-otters-hum-at-noon
             */
            password: string;
        };
        ReleaseTaskDto: {
            /**
             * @description The fence of the lease, as the claim gave it.
             * @example 1
             */
            fence: number;
        };
        RenewedLeaseView: {
            /** @description What waits for the agent; it is shown here until a heartbeat delivers it. */
            commands: components["schemas"]["LeaseCommandView"][];
            lease: components["schemas"]["LeaseView"];
        };
        RenewLeaseDto: {
            /**
             * @description The fence of the lease, as the claim gave it.
             * @example 1
             */
            fence: number;
            /**
             * @description How long from now; left out, as long as before.
             * @example 60
             */
            lease_seconds?: number;
            /** @example Reading page 12 of 30 */
            note?: string;
            /** @example 40 */
            progress_percent?: number;
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
            risk?: "critical" | "high" | "low" | "medium";
            /**
             * Format: uuid
             * @description The task it belongs to; its board's rules look at it.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            task_id?: string;
            /**
             * @description What is asked for, in one line.
             * @example Restart the web server
             */
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
            risk?: "critical" | "high" | "low" | "medium";
            /**
             * Format: uuid
             * @description The task it belongs to; its board's rules look at it.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            task_id?: string;
            /**
             * @description What is asked for, in one line.
             * @example Restart the web server
             */
            title: string;
        };
        RetryAllDto: {
            /**
             * @description Only entries whose reason contains this text.
             * @example timeout
             */
            reason?: string;
        };
        RetryAllView: {
            /**
             * @description How many will be started again, paced.
             * @example 120
             */
            accepted: number;
        };
        RotateAgentTokenDto: {
            /**
             * @description How long the present token works beside the new one, in seconds. With an overlap the agent is told by a
             *     rotate_token command; without one the present token ends at once.
             * @example 300
             */
            overlap_seconds?: number;
        };
        RotatedTokenView: {
            /**
             * Format: date-time
             * @description Until when the token before this one works: the present moment when there is no overlap.
             * @example 2026-01-31T09:35:00.000Z
             */
            previous_valid_until: string;
            /**
             * @description The agent's new token. It is shown this once and stored hashed.
             * @example wha_0bC2dE4fG6hI8jK0lM2nO4pQ6rS8tU0vW1xY3zA
             */
            token: string;
        };
        SecurityView: {
            /**
             * @description The tenant's.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            id: string;
            lockout: components["schemas"]["LockoutPolicyView"];
            mfa: components["schemas"]["MfaPolicyView"];
            /**
             * @description Grows with every change of the security policy; part of the ETag.
             * @example 1
             */
            revision: number;
            session: components["schemas"]["SessionPolicyView"];
            sso: components["schemas"]["SsoPolicyView"];
            /**
             * Format: date-time
             * @description When the policy was changed last; null while it is as it came.
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string | null;
        };
        /** @description One page of a list. */
        SessionPage: {
            /** @description What is on this page. */
            items: components["schemas"]["SessionView"][];
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
        SessionPolicyDto: {
            /**
             * @description Seconds without a request after which a session ends; at most max_age_seconds. REFRESH_TOKEN_SECONDS bounds it too.
             * @example 2592000
             */
            idle_seconds?: number;
            /**
             * @description Seconds after which a session ends, however much it is used.
             * @example 7776000
             */
            max_age_seconds?: number;
        };
        SessionPolicyView: {
            /**
             * @description Seconds without a request.
             * @example 2592000
             */
            idle_seconds: number;
            /**
             * @description Seconds in all.
             * @example 7776000
             */
            max_age_seconds: number;
        };
        SessionView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Whether it is the one that asks.
             * @example true
             */
            current: boolean;
            /**
             * @description What the client said of itself at sign-in, in a few words.
             * @example Firefox on Linux
             */
            device: string;
            /** @example ada@example.com */
            email: string;
            /**
             * Format: date-time
             * @description When it ends if it is not used again.
             * @example 2026-03-02T09:30:00.000Z
             */
            expires_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * @description The address that it was opened from.
             * @example 203.0.113.7
             */
            ip: string | null;
            /**
             * @description What holds it: tokens, or the cookie of a browser.
             * @example cookie
             * @enum {string}
             */
            kind: "bearer" | "cookie";
            /**
             * Format: date-time
             * @description When it was used last, to about half a minute.
             * @example 2026-01-31T09:30:00.000Z
             */
            last_used_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            user_id: string;
        };
        SetupStatusView: {
            /** @example true */
            needs_setup: boolean;
        };
        SsoPolicyDto: {
            /**
             * Format: uuid
             * @description The administrator who still signs in with a password, for the day on which the provider is away. Needed when enforced.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            break_glass_user_id?: string | null;
            /**
             * @description Whether signing in with a password is off.
             * @example false
             */
            enforced?: boolean;
        };
        SsoPolicyView: {
            /**
             * @description The administrator who still signs in with a password.
             * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            break_glass_user_id: string | null;
            /** @example false */
            enforced: boolean;
        };
        SubmitIntakeDto: {
            /**
             * @description What agents should do first.
             * @example Auto-respond to support tickets
             */
            automation_wish?: string | null;
            /**
             * @description Where people are to be reached.
             * @example [
             *       "telegram",
             *       "discord"
             *     ]
             */
            channels?: string[];
            /**
             * Format: email
             * @example john@example.com
             */
            email: string;
            /** @example John Doe */
            full_name: string;
            /**
             * @description What matters most.
             * @example Cost reduction, better response time
             */
            priorities?: string | null;
        };
        SuspendTenantDto: {
            /**
             * @description Kept with the tenant and in the audit log.
             * @example Invoice 2026-017 is unpaid
             */
            reason?: string | null;
        };
        TaskAttemptView: {
            /** @description The agent that held it. */
            agent_id: string | null;
            /** @example 1 */
            attempt: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:31:00.000Z
             */
            ended_at: string;
            /** @example The report is encrypted. */
            error: string | null;
            /** @example 1 */
            fence: number;
            /**
             * @description completed, failed, expired, released, cancelled or killed.
             * @example failed
             */
            outcome: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            started_at: string;
        };
        /** @description One page of a list. */
        TaskCommentPage: {
            /** @description What is on this page. */
            items: components["schemas"]["TaskCommentView"][];
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
        TaskCommentView: {
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            author_id: string;
            /** @example agent */
            author_kind: string;
            /** @example The numbers of page 3 need a source. */
            body: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            task_id: string;
        };
        TaskDetailView: {
            /** @description The agent that it is for; null for any. */
            agent_id: string | null;
            /** @description Attempts that have ended, first to last. */
            attempt_history: components["schemas"]["TaskAttemptView"][];
            /**
             * @description Attempts that count: claimed, and not released.
             * @example 0
             */
            attempts: number;
            /**
             * Format: date-time
             * @description When it may be handed out: later than now while a retry waits.
             * @example 2026-01-31T09:30:00.000Z
             */
            available_at: string;
            /** @description Those of them that are not completed. One that is dead_letter or cancelled keeps this task waiting until it is retried or depends_on is changed. */
            blocked_by: components["schemas"]["BlockingTaskView"][];
            /** @description The board that it is on. */
            board_id: string | null;
            cancel_reason: string | null;
            /** @description The agent that holds it now. */
            claimed_by: string | null;
            /** @example 0 */
            comment_count: number;
            completed_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Who made it: user, api_key, agent, bootstrap or system, and its id.
             * @example user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            created_by: string;
            /**
             * Format: date-time
             * @example 2027-01-31T18:00:00.000Z
             */
            deadline: string | null;
            /** @example false */
            deadline_exceeded: boolean;
            /** @description Tasks that it depends on. */
            depends_on: string[];
            /** @example The board wants two pages. */
            description: string | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * @description Grows by one with every claim.
             * @example 0
             */
            fence: number;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example Read the attached report and write a summary. */
            instructions: string | null;
            lease_expires_at: string | null;
            /** @example 3 */
            max_retries: number;
            /** @example [] */
            output_files: string[];
            /** @description The task that it is a part of. */
            parent_task_id: string | null;
            /**
             * @description Any JSON that the agent needs.
             * @example {
             *       "report": "q4.pdf"
             *     }
             */
            payload: unknown;
            /**
             * @example high
             * @enum {string}
             */
            priority: "critical" | "high" | "low" | "medium";
            progress_note: string | null;
            progress_percent: number | null;
            /**
             * @example [
             *       "web_search"
             *     ]
             */
            required_tools: string[];
            /** @description What the agent answered. */
            result: unknown;
            /** @description The dead letter that it was started again from. */
            retried_from: string | null;
            /**
             * @description How often it was tried again.
             * @example 0
             */
            retry_count: number;
            /**
             * @description Grows with each change; the ETag is made from it.
             * @example 1
             */
            revision: number;
            started_at: string | null;
            /**
             * @description inbox, queued, in_progress, review, completed, failed, dead_letter, blocked or cancelled.
             * @example queued
             * @enum {string}
             */
            status: "blocked" | "cancelled" | "completed" | "dead_letter" | "failed" | "in_progress" | "inbox" | "queued" | "review";
            /** @description Its parts. */
            subtask_ids: string[];
            /** @example Summarise the quarterly report */
            title: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
            /**
             * @description How many tasks it still waits for.
             * @example 0
             */
            waiting_for: number;
        };
        /** @description One page of a list. */
        TaskPage: {
            /** @description What is on this page. */
            items: components["schemas"]["TaskView"][];
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
        TaskStatsView: {
            /**
             * @description By priority.
             * @example {
             *       "critical": 0,
             *       "high": 1,
             *       "medium": 1,
             *       "low": 0
             *     }
             */
            by_priority: {
                [key: string]: number;
            };
            /**
             * @description By status; a status without tasks is 0.
             * @example {
             *       "queued": 1,
             *       "completed": 1
             *     }
             */
            by_status: {
                [key: string]: number;
            };
            /**
             * @description Age of the oldest task that could be handed out now, in seconds; 0 when there is none.
             * @example 12
             */
            oldest_ready_seconds: number;
            /** @example 2 */
            total: number;
        };
        TaskView: {
            /** @description The agent that it is for; null for any. */
            agent_id: string | null;
            /**
             * @description Attempts that count: claimed, and not released.
             * @example 0
             */
            attempts: number;
            /**
             * Format: date-time
             * @description When it may be handed out: later than now while a retry waits.
             * @example 2026-01-31T09:30:00.000Z
             */
            available_at: string;
            /** @description The board that it is on. */
            board_id: string | null;
            cancel_reason: string | null;
            /** @description The agent that holds it now. */
            claimed_by: string | null;
            completed_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Who made it: user, api_key, agent, bootstrap or system, and its id.
             * @example user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
             */
            created_by: string;
            /**
             * Format: date-time
             * @example 2027-01-31T18:00:00.000Z
             */
            deadline: string | null;
            /** @example false */
            deadline_exceeded: boolean;
            /** @example The board wants two pages. */
            description: string | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * @description Grows by one with every claim.
             * @example 0
             */
            fence: number;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example Read the attached report and write a summary. */
            instructions: string | null;
            lease_expires_at: string | null;
            /** @example 3 */
            max_retries: number;
            /** @example [] */
            output_files: string[];
            /** @description The task that it is a part of. */
            parent_task_id: string | null;
            /**
             * @description Any JSON that the agent needs.
             * @example {
             *       "report": "q4.pdf"
             *     }
             */
            payload: unknown;
            /**
             * @example high
             * @enum {string}
             */
            priority: "critical" | "high" | "low" | "medium";
            progress_note: string | null;
            progress_percent: number | null;
            /**
             * @example [
             *       "web_search"
             *     ]
             */
            required_tools: string[];
            /** @description What the agent answered. */
            result: unknown;
            /** @description The dead letter that it was started again from. */
            retried_from: string | null;
            /**
             * @description How often it was tried again.
             * @example 0
             */
            retry_count: number;
            /**
             * @description Grows with each change; the ETag is made from it.
             * @example 1
             */
            revision: number;
            started_at: string | null;
            /**
             * @description inbox, queued, in_progress, review, completed, failed, dead_letter, blocked or cancelled.
             * @example queued
             * @enum {string}
             */
            status: "blocked" | "cancelled" | "completed" | "dead_letter" | "failed" | "in_progress" | "inbox" | "queued" | "review";
            /** @example Summarise the quarterly report */
            title: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
            /**
             * @description How many tasks it still waits for.
             * @example 0
             */
            waiting_for: number;
        };
        /** @description One page of a list. */
        TenantPage: {
            /** @description What is on this page. */
            items: components["schemas"]["TenantView"][];
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
        TenantView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /** @example Acme Ltd */
            name: string;
            /** @example free */
            plan: string;
            /**
             * @description Grows by one with every change; part of the ETag.
             * @example 1
             */
            revision: number;
            /**
             * @description Unique in the installation; it stands for the id where people type.
             * @example acme
             */
            slug: string;
            /**
             * @description A suspended tenant's users, keys and agents are refused.
             * @example active
             * @enum {string}
             */
            status: "active" | "suspended";
            /** @description Why it was suspended. */
            suspended_reason: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
        };
        TokensView: {
            /**
             * @description Send it as `Authorization: Bearer`. Left out when a cookie holds the session.
             * @example eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0aWQiOiIwMDAwIn0.c2lnbmF0dXJl
             */
            access_token?: string;
            /**
             * @description With a cookie: what to send as `x-csrf-token` on every request that is no GET. It stands in a cookie that scripts may read, too.
             * @example 3q2-7wAAAABlbXB0eS1zZXNzaW9uLWNzcmYtdG9rZW4tZXhhbXBsZS1vbmx5LTEyMzQ1Njc4
             */
            csrf_token?: string;
            /**
             * @description Seconds until the access token, or the cookie, expires.
             * @example 900
             */
            expires_in: number;
            /**
             * @description Trade it at /auth/refresh before the access token expires; each works once. Left out when a cookie holds the session.
             * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
             */
            refresh_token?: string;
            /**
             * @description bearer, or cookie: then the answer sets the session cookie and carries no tokens.
             * @example bearer
             * @enum {string}
             */
            token_type: "bearer" | "cookie";
            /** @description Who signed in. */
            user: components["schemas"]["UserView"];
        };
        TreeView: {
            /** @description The checkpoint of this size; null when none was made at it. */
            note: string | null;
            /** @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0= */
            root: string;
            /** @example 1042 */
            size: number;
        };
        UpdateAgentDto: {
            /**
             * @description How much it may do without being asked: manual, supervised or autonomous.
             * @example supervised
             * @enum {string}
             */
            autonomy_level?: "autonomous" | "manual" | "supervised";
            /**
             * @description Most that it may spend in a day, in USD with up to 6 decimals.
             * @example 25.5
             */
            daily_budget_usd?: number | null;
            /**
             * @description What the agent is for.
             * @example Reviews pull requests
             */
            description?: string | null;
            /**
             * @description The tools it has: it is given only tasks whose required_tools are among them.
             * @example [
             *       "git",
             *       "shell"
             *     ]
             */
            enabled_tools?: string[];
            /**
             * @description Whether it works at all. False takes its tasks away and refuses its token at once, as stop does.
             * @example true
             */
            is_active?: boolean;
            /**
             * @description Its language model; `provider/model` in one string is split.
             * @example claude-sonnet-4-6
             */
            llm_model?: string | null;
            /**
             * @description Provider of its language model.
             * @example anthropic
             */
            llm_provider?: string | null;
            /**
             * @description Most tasks that it holds at a time.
             * @example 10
             */
            max_concurrent_tasks?: number;
            /**
             * @description Most tokens in an answer of its model.
             * @example 4096
             */
            max_tokens?: number | null;
            /**
             * @description Anything else worth keeping, at most 16 KiB of JSON.
             * @example {
             *       "team": "platform"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description Name shown to people.
             * @example Code reviewer
             */
            name?: string;
            /**
             * @description Its part in the fleet: conductor, specialist, analyst, creative, technical, or a word of your own.
             * @example specialist
             */
            role?: string;
            /**
             * @description Short unique name.
             * @example code-reviewer
             */
            slug?: string;
            /**
             * @description Its system prompt.
             * @example You review code for mistakes.
             */
            system_prompt?: string | null;
            /**
             * @description Sampling temperature.
             * @example 0.2
             */
            temperature?: number | null;
            /**
             * @description The worker node that it runs on.
             * @example worker-1
             */
            worker_id?: string | null;
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
        UpdateBoardDto: {
            /**
             * @description While an approval for a task is pending its status does not change.
             * @example false
             */
            block_status_changes_with_pending_approval?: boolean;
            /**
             * @description A task enters review only with a comment.
             * @example false
             */
            comment_required_for_review?: boolean;
            /**
             * @description What the board is for.
             * @example Work on the public website
             */
            description?: string | null;
            /**
             * Format: uuid
             * @description The agent that leads; it is put on the board when it is not there.
             */
            lead_agent_id?: string | null;
            /**
             * @description Most agents on the board; null for any number.
             * @example 5
             */
            max_agents?: number | null;
            /**
             * @description Name shown to people.
             * @example Website
             */
            name?: string;
            /**
             * @description Of the agents only the lead changes the status of tasks.
             * @example false
             */
            only_lead_can_change_status?: boolean;
            /**
             * @description A task is completed only with an approved approval.
             * @example false
             */
            require_approval_for_done?: boolean;
            /**
             * @description An agent's completion leads to review; somebody else completes the task.
             * @example true
             */
            require_review_before_done?: boolean;
            /**
             * @description Short unique name.
             * @example website
             */
            slug?: string;
        };
        UpdatePasswordPolicyDto: {
            /**
             * @description So many passwords before the current one are not taken again; the current one never is.
             * @example 3
             */
            history?: number;
            /**
             * @description Fewest characters of a new password.
             * @example 12
             */
            min_length?: number;
        };
        UpdateProfileDto: {
            /** @example Ada Lovelace */
            full_name: string;
        };
        UpdateSecurityDto: {
            /**
             * @description How guesses are slowed down. Signing in follows the policy of the operator's tenant, because an address that has no
             *     account must be treated like one that has; the tenant's own holds for whoever is signed in already.
             */
            lockout?: components["schemas"]["LockoutPolicyDto"];
            /** @description Who must have a second factor. */
            mfa?: components["schemas"]["MfaPolicyDto"];
            /** @description How long sessions live. */
            session?: components["schemas"]["SessionPolicyDto"];
            /** @description Whether people must come through single sign-on. */
            sso?: components["schemas"]["SsoPolicyDto"];
        };
        UpdateTaskDto: {
            /**
             * @description retry starts a dead letter again, as the queue's document has it. It takes no other field beside it.
             * @example retry
             * @enum {string}
             */
            action?: "retry";
            /**
             * Format: uuid
             * @description null: any agent.
             */
            agent_id?: string | null;
            /**
             * Format: uuid
             * @description null: no board.
             */
            board_id?: string | null;
            /**
             * Format: date-time
             * @example 2027-02-28T18:00:00.000Z
             */
            deadline?: string | null;
            /** @description Tasks that must be completed first, in place of those before; only until it is started. Empty: it waits for none. */
            depends_on?: string[];
            /** @example The board wants three pages. */
            description?: string | null;
            /** @example Write at most three pages. */
            instructions?: string | null;
            /** @example 5 */
            max_retries?: number;
            /**
             * @example {
             *       "report": "q4-final.pdf"
             *     }
             */
            payload?: unknown;
            /**
             * @example critical
             * @enum {string}
             */
            priority?: "critical" | "high" | "low" | "medium";
            /**
             * @example [
             *       "web_search",
             *       "calculate"
             *     ]
             */
            required_tools?: string[];
            /**
             * @description inbox and queued to hold back and let go; completed or queued for what is in review; cancelled.
             * @example queued
             * @enum {string}
             */
            status?: "cancelled" | "completed" | "inbox" | "queued";
            /** @example Summarise the quarterly report */
            title?: string;
        };
        UpdateTaskStatusDto: {
            /**
             * @description completed or queued for what is in review, queued for what is in the inbox, inbox to hold back.
             * @example completed
             * @enum {string}
             */
            status: "completed" | "inbox" | "queued";
        };
        UpdateTenantDto: {
            /** @example Acme Ltd */
            name?: string;
            /** @example team */
            plan?: string;
        };
        UpdateUserDto: {
            /** @example Ada Lovelace */
            full_name?: string;
            /**
             * @description False ends the person's sessions and stops the person's API keys at once.
             * @example true
             */
            is_active?: boolean;
            /**
             * @description What the person may do, from the next request on.
             * @example admin
             * @enum {string}
             */
            role?: "admin" | "client" | "user";
        };
        /** @description One page of a list. */
        UserPage: {
            /** @description What is on this page. */
            items: components["schemas"]["UserView"][];
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
        UserView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description The address to sign in with, in lower case.
             * @example ada@example.com
             */
            email: string;
            /** @example Ada Lovelace */
            full_name: string;
            /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
            id: string;
            /**
             * @description Whether the person may sign in.
             * @example true
             */
            is_active: boolean;
            /**
             * Format: date-time
             * @description When the person signed in last.
             * @example 2026-01-31T09:30:00.000Z
             */
            last_login_at: string | null;
            /**
             * @description Grows by one with every change; part of the ETag.
             * @example 1
             */
            revision: number;
            /**
             * @description What the person may do: admin, user or client (portal, read-only).
             * @example user
             * @enum {string}
             */
            role: "admin" | "client" | "user";
            /**
             * @description The tenant it belongs to.
             * @example 00000000-0000-7000-8000-000000000001
             */
            tenant_id: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000Z
             */
            updated_at: string;
        };
        VerificationView: {
            /** @description When the newest checkpoint was made; null before the first. */
            checkpoint_at: string | null;
            /** @description Null when everything is right. */
            finding: components["schemas"]["FindingView"] | null;
            /**
             * @description Whether every row is what was sealed.
             * @example true
             */
            ok: boolean;
            /**
             * @description The root that the rows come to, in base64.
             * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
             */
            root: string;
            /**
             * @description How many rows were right before the first wrong one.
             * @example 1042
             */
            rows: number;
            /**
             * @description How many rows the newest checkpoint covers.
             * @example 1042
             */
            size: number;
            /**
             * @description Rows that are written and will be sealed within a second.
             * @example 0
             */
            waiting: number;
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
                outcome?: "denied" | "done" | "failed";
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
                     *           },
                     *           "erased": false
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listUsers: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before; wins over offset. */
                cursor?: string;
                /**
                 * @description Only the user with this address.
                 * @example ada@example.com
                 */
                email?: string;
                /**
                 * @description Only active users, or only disabled ones.
                 * @example true
                 */
                is_active?: boolean;
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
                 * @description Only users with this role.
                 * @example admin
                 */
                role?: "admin" | "client" | "user";
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
                     *           "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *           "email": "ada@example.com",
                     *           "full_name": "Ada Lovelace",
                     *           "role": "user",
                     *           "is_active": true,
                     *           "last_login_at": "2026-01-31T09:30:00.000Z",
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z",
                     *           "revision": 1
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["UserPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createUser: {
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
                 *       "email": "ada@example.com",
                 *       "password": "seven-otters-hum-at-noon",
                 *       "full_name": "Ada Lovelace",
                 *       "role": "user",
                 *       "tenant_id": "default"
                 *     }
                 */
                "application/json": components["schemas"]["CreateUserDto"];
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
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "email": "ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "role": "user",
                     *       "is_active": true,
                     *       "last_login_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["UserView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             *
             *     `weak_password`: The password does not meet the password policy.
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `email_taken`: An account with this e-mail address exists.
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
    getUser: {
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
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "email": "ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "role": "user",
                     *       "is_active": true,
                     *       "last_login_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["UserView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    deactivateUser: {
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
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `last_admin`: A tenant keeps at least one active administrator. */
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
    updateUser: {
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
                 *       "full_name": "Ada Lovelace",
                 *       "role": "admin",
                 *       "is_active": true
                 *     }
                 */
                "application/json": components["schemas"]["UpdateUserDto"];
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
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "email": "ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "role": "user",
                     *       "is_active": true,
                     *       "last_login_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["UserView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `last_admin`: A tenant keeps at least one active administrator. */
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
                 *       "title": "Restart the web server",
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
                     *       "title": "Restart the web server",
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
                     *       "title": "Restart the web server",
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
    listOwnBoards: {
        parameters: {
            query?: {
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
                 * @description Only boards whose name or slug contains this.
                 * @example web
                 */
                search?: string;
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
                     *           "slug": "website",
                     *           "name": "Website",
                     *           "description": "Work on the public website",
                     *           "require_approval_for_done": false,
                     *           "require_review_before_done": true,
                     *           "comment_required_for_review": false,
                     *           "block_status_changes_with_pending_approval": false,
                     *           "only_lead_can_change_status": false,
                     *           "max_agents": 5,
                     *           "lead_agent_id": null,
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["BoardPage"];
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
    listOwnBoardMemory: {
        parameters: {
            query?: {
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
                 * @description Only memories with this tag.
                 * @example staging
                 */
                tag?: string;
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
                     *           "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "content": "The staging server is rebuilt every night at two.",
                     *           "tags": [
                     *             "staging"
                     *           ],
                     *           "source": "Operations handbook",
                     *           "author_kind": "agent",
                     *           "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["BoardMemoryPage"];
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
    addOwnBoardMemory: {
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
                 *       "content": "The staging server is rebuilt every night at two.",
                 *       "tags": [
                 *         "staging"
                 *       ],
                 *       "source": "Operations handbook"
                 *     }
                 */
                "application/json": components["schemas"]["AddBoardMemoryDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "content": "The staging server is rebuilt every night at two.",
                     *       "tags": [
                     *         "staging"
                     *       ],
                     *       "source": "Operations handbook",
                     *       "author_kind": "agent",
                     *       "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "created_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["BoardMemoryView"];
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
    agentListBoardTasks: {
        parameters: {
            query?: {
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
                 * @description A status, or one of the names that GET /tasks takes.
                 * @example inbox
                 */
                status?: "active" | "all" | "blocked" | "cancelled" | "completed" | "dead_letter" | "failed" | "in_progress" | "inbox" | "pending" | "queued" | "review" | "running";
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
                     *           "title": "Summarise the quarterly report",
                     *           "description": "The board wants two pages.",
                     *           "instructions": "Read the attached report and write a summary.",
                     *           "payload": {
                     *             "report": "q4.pdf"
                     *           },
                     *           "status": "queued",
                     *           "priority": "high",
                     *           "agent_id": null,
                     *           "board_id": null,
                     *           "required_tools": [
                     *             "web_search"
                     *           ],
                     *           "parent_task_id": null,
                     *           "deadline": "2027-01-31T18:00:00.000Z",
                     *           "deadline_exceeded": false,
                     *           "max_retries": 3,
                     *           "retry_count": 0,
                     *           "attempts": 0,
                     *           "fence": 0,
                     *           "available_at": "2026-01-31T09:30:00.000Z",
                     *           "waiting_for": 0,
                     *           "claimed_by": null,
                     *           "lease_expires_at": null,
                     *           "progress_percent": null,
                     *           "progress_note": null,
                     *           "result": {},
                     *           "output_files": [],
                     *           "error": null,
                     *           "retried_from": null,
                     *           "cancel_reason": null,
                     *           "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "started_at": null,
                     *           "completed_at": null,
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TaskPage"];
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
    sendHeartbeat: {
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
                 *       "name": "Tessa",
                 *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "status": "online"
                 *     }
                 */
                "application/json": components["schemas"]["HeartbeatDto"];
            };
        };
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
                     *       "agent": {
                     *         "status": "idle",
                     *         "control_state": "running",
                     *         "autonomy_level": "supervised",
                     *         "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *         "slug": "code-reviewer",
                     *         "name": "Code reviewer",
                     *         "description": "Reviews pull requests",
                     *         "role": "specialist",
                     *         "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *         "control_reason": null,
                     *         "is_active": true,
                     *         "llm_provider": "anthropic",
                     *         "llm_model": "claude-sonnet-4-6",
                     *         "system_prompt": "You review code for mistakes.",
                     *         "enabled_tools": [
                     *           "git",
                     *           "shell"
                     *         ],
                     *         "temperature": 0.2,
                     *         "max_tokens": 4096,
                     *         "worker_id": "worker-1",
                     *         "metadata": {
                     *           "team": "platform"
                     *         },
                     *         "max_concurrent_tasks": 10,
                     *         "daily_budget_usd": 25.5,
                     *         "revision": 1,
                     *         "created_at": "2026-01-31T09:30:00.000Z",
                     *         "updated_at": "2026-01-31T09:30:00.000Z"
                     *       },
                     *       "commands": [
                     *         {
                     *           "command": "pause",
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "reason": "Maintenance window",
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "next_heartbeat_seconds": 20
                     *     }
                     */
                    "application/json": components["schemas"]["HeartbeatView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
    agentCreateTask: {
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
                 *       "title": "Summarise the quarterly report",
                 *       "description": "The board wants two pages.",
                 *       "instructions": "Read the attached report and write a summary of at most two pages.",
                 *       "payload": {
                 *         "report": "q4.pdf"
                 *       },
                 *       "priority": "high",
                 *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "deadline": "2027-01-31T18:00:00.000Z",
                 *       "required_tools": [
                 *         "web_search"
                 *       ],
                 *       "depends_on": [
                 *         "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                 *       ],
                 *       "parent_task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "max_retries": 3,
                 *       "status": "queued"
                 *     }
                 */
                "application/json": components["schemas"]["CreateTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
    agentGetTask: {
        parameters: {
            query?: never;
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "depends_on": [
                     *         "text"
                     *       ],
                     *       "blocked_by": [
                     *         {
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "status": "dead_letter"
                     *         }
                     *       ],
                     *       "attempt_history": [
                     *         {
                     *           "fence": 1,
                     *           "attempt": 1,
                     *           "agent_id": null,
                     *           "outcome": "failed",
                     *           "error": "The report is encrypted.",
                     *           "started_at": "2026-01-31T09:30:00.000Z",
                     *           "ended_at": "2026-01-31T09:31:00.000Z"
                     *         }
                     *       ],
                     *       "subtask_ids": [
                     *         "text"
                     *       ],
                     *       "comment_count": 0
                     *     }
                     */
                    "application/json": components["schemas"]["TaskDetailView"];
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
    agentUpdateTaskStatus: {
        parameters: {
            query?: never;
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
                 *       "status": "completed"
                 *     }
                 */
                "application/json": components["schemas"]["UpdateTaskStatusDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `lead_only`: On this board only the lead agent changes a task's status.
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
             * @description `approval_required`: On this board a task needs an approved approval before it is done.
             *
             *     `approval_pending`: An approval is pending for this task; its status cannot change.
             *
             *     `task_final`: The task has ended and cannot change.
             *
             *     `invalid_transition`: The task cannot go from its status to the one asked for.
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
    agentListTaskComments: {
        parameters: {
            query?: {
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
                     *           "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "body": "The numbers of page 3 need a source.",
                     *           "author_kind": "agent",
                     *           "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TaskCommentPage"];
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
    agentCreateTaskComment: {
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
                 *       "body": "The numbers of page 3 need a source."
                 *     }
                 */
                "application/json": components["schemas"]["CreateCommentDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "body": "The numbers of page 3 need a source.",
                     *       "author_kind": "agent",
                     *       "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "created_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskCommentView"];
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
    completeTask: {
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
                 *       "result": {
                 *         "summary": "Revenue grew."
                 *       },
                 *       "output_files": [
                 *         "summary.pdf"
                 *       ],
                 *       "fence": 1
                 *     }
                 */
                "application/json": components["schemas"]["CompleteTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
             *     `comment_required`: On this board a task needs a comment before it is reviewed.
             *
             *     `approval_pending`: An approval is pending for this task; its status cannot change.
             *
             *     `lease_lost`: The lease on this task is no longer held.
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
    failTask: {
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
                 *       "error": "The report is encrypted.",
                 *       "retryable": true,
                 *       "fence": 1
                 *     }
                 */
                "application/json": components["schemas"]["FailTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
             *     `lease_lost`: The lease on this task is no longer held.
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
    releaseTask: {
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
                 *       "fence": 1
                 *     }
                 */
                "application/json": components["schemas"]["ReleaseTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
             *     `lease_lost`: The lease on this task is no longer held.
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
    renewLease: {
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
                 *       "lease_seconds": 60,
                 *       "progress_percent": 40,
                 *       "note": "Reading page 12 of 30",
                 *       "fence": 1
                 *     }
                 */
                "application/json": components["schemas"]["RenewLeaseDto"];
            };
        };
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
                     *       "lease": {
                     *         "fence": 1,
                     *         "expires_at": "2026-01-31T09:31:00.000Z"
                     *       },
                     *       "commands": [
                     *         {
                     *           "command": "pause",
                     *           "reason": "Maintenance window",
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["RenewedLeaseView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
             *     `lease_lost`: The lease on this task is no longer held.
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
    claimTasks: {
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
                 *       "max": 1,
                 *       "lease_seconds": 60,
                 *       "wait_seconds": 20,
                 *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                 *     }
                 */
                "application/json": components["schemas"]["ClaimTasksDto"];
            };
        };
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
                     *       "items": [
                     *         {
                     *           "task": {
                     *             "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *             "title": "Summarise the quarterly report",
                     *             "description": "The board wants two pages.",
                     *             "instructions": "Read the attached report and write a summary.",
                     *             "payload": {
                     *               "report": "q4.pdf"
                     *             },
                     *             "status": "queued",
                     *             "priority": "high",
                     *             "agent_id": null,
                     *             "board_id": null,
                     *             "required_tools": [
                     *               "web_search"
                     *             ],
                     *             "parent_task_id": null,
                     *             "deadline": "2027-01-31T18:00:00.000Z",
                     *             "deadline_exceeded": false,
                     *             "max_retries": 3,
                     *             "retry_count": 0,
                     *             "attempts": 0,
                     *             "fence": 0,
                     *             "available_at": "2026-01-31T09:30:00.000Z",
                     *             "waiting_for": 0,
                     *             "claimed_by": null,
                     *             "lease_expires_at": null,
                     *             "progress_percent": null,
                     *             "progress_note": null,
                     *             "result": {},
                     *             "output_files": [],
                     *             "error": null,
                     *             "retried_from": null,
                     *             "cancel_reason": null,
                     *             "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *             "started_at": null,
                     *             "completed_at": null,
                     *             "revision": 1,
                     *             "created_at": "2026-01-31T09:30:00.000Z",
                     *             "updated_at": "2026-01-31T09:30:00.000Z"
                     *           },
                     *           "lease": {
                     *             "fence": 1,
                     *             "expires_at": "2026-01-31T09:31:00.000Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["ClaimView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
    completeTasks: {
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
                 *       "items": [
                 *         {
                 *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *           "result": {
                 *             "summary": "Revenue grew."
                 *           },
                 *           "output_files": [
                 *             "summary.pdf"
                 *           ],
                 *           "fence": 1
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["CompleteTasksDto"];
            };
        };
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
                     *       "items": [
                     *         {
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "ok": true,
                     *           "problem": {
                     *             "limit": 20,
                     *             "current": 21,
                     *             "type": "/problems/lease-lost",
                     *             "title": "Lease lost",
                     *             "status": 409,
                     *             "code": "lease_lost",
                     *             "detail": "The lease on this task is no longer held.",
                     *             "error": "The lease on this task is no longer held.",
                     *             "request_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *             "errors": [
                     *               {
                     *                 "field": "title",
                     *                 "code": "maxLength",
                     *                 "message": "title must be shorter than or equal to 500 characters"
                     *               }
                     *             ],
                     *             "remedy": "Claim the task again.",
                     *             "retry_at": "2026-01-31T09:30:00.000Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["CompletedItemsView"];
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
             *     `agent_killed`: This agent was killed.
             *
             *     `agent_inactive`: This agent is not active.
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
    listAgents: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before; wins over offset. */
                cursor?: string;
                /**
                 * @description Only active agents, or only inactive ones.
                 * @example true
                 */
                is_active?: boolean;
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
                 * @description Only agents with this role.
                 * @example specialist
                 */
                role?: string;
                /**
                 * @description Only agents whose name or slug contains this.
                 * @example review
                 */
                search?: string;
                /**
                 * @description Only agents with this status.
                 * @example idle
                 */
                status?: "busy" | "error" | "idle" | "maintenance" | "offline" | "paused";
                /**
                 * @description The same as status, as one of the documents names it.
                 * @example idle
                 */
                status_filter?: "busy" | "error" | "idle" | "maintenance" | "offline" | "paused";
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
                     *           "status": "idle",
                     *           "control_state": "running",
                     *           "autonomy_level": "supervised",
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *           "slug": "code-reviewer",
                     *           "name": "Code reviewer",
                     *           "description": "Reviews pull requests",
                     *           "role": "specialist",
                     *           "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *           "control_reason": null,
                     *           "is_active": true,
                     *           "llm_provider": "anthropic",
                     *           "llm_model": "claude-sonnet-4-6",
                     *           "system_prompt": "You review code for mistakes.",
                     *           "enabled_tools": [
                     *             "git",
                     *             "shell"
                     *           ],
                     *           "temperature": 0.2,
                     *           "max_tokens": 4096,
                     *           "worker_id": "worker-1",
                     *           "metadata": {
                     *             "team": "platform"
                     *           },
                     *           "max_concurrent_tasks": 10,
                     *           "daily_budget_usd": 25.5,
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["AgentPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createAgent: {
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
                 *       "name": "Code reviewer",
                 *       "slug": "code-reviewer",
                 *       "description": "Reviews pull requests",
                 *       "role": "specialist",
                 *       "llm_provider": "anthropic",
                 *       "llm_model": "claude-sonnet-4-6",
                 *       "system_prompt": "You review code for mistakes.",
                 *       "enabled_tools": [
                 *         "git",
                 *         "shell"
                 *       ],
                 *       "temperature": 0.2,
                 *       "max_tokens": 4096,
                 *       "worker_id": "worker-1",
                 *       "metadata": {
                 *         "team": "platform"
                 *       },
                 *       "is_active": true,
                 *       "autonomy_level": "supervised",
                 *       "max_concurrent_tasks": 10,
                 *       "daily_budget_usd": 25.5
                 *     }
                 */
                "application/json": components["schemas"]["CreateAgentDto"];
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "token": "wha_0bC2dE4fG6hI8jK0lM2nO4pQ6rS8tU0vW1xY3zA"
                     *     }
                     */
                    "application/json": components["schemas"]["CreatedAgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `slug_taken`: The slug is taken.
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
    getAgent: {
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    deleteAgent: {
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
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `conflict`: The request conflicts with the present state. */
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
    updateAgent: {
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
                 *       "name": "Code reviewer",
                 *       "slug": "code-reviewer",
                 *       "description": "Reviews pull requests",
                 *       "role": "specialist",
                 *       "llm_provider": "anthropic",
                 *       "llm_model": "claude-sonnet-4-6",
                 *       "system_prompt": "You review code for mistakes.",
                 *       "enabled_tools": [
                 *         "git",
                 *         "shell"
                 *       ],
                 *       "temperature": 0.2,
                 *       "max_tokens": 4096,
                 *       "worker_id": "worker-1",
                 *       "metadata": {
                 *         "team": "platform"
                 *       },
                 *       "is_active": true,
                 *       "autonomy_level": "supervised",
                 *       "max_concurrent_tasks": 10,
                 *       "daily_budget_usd": 25.5
                 *     }
                 */
                "application/json": components["schemas"]["UpdateAgentDto"];
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `slug_taken`: The slug is taken. */
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
    killAgent: {
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
                 *       "reason": "Maintenance window"
                 *     }
                 */
                "application/json": components["schemas"]["ControlAgentDto"];
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    pauseAgent: {
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
                 *       "reason": "Maintenance window"
                 *     }
                 */
                "application/json": components["schemas"]["ControlAgentDto"];
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             * @description `conflict`: The request conflicts with the present state.
             *
             *     `idempotency_in_progress`: The first request with this Idempotency-Key is still running.
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
    getAgentPresence: {
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
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "last_seen_at": "2026-01-31T09:30:00.000Z",
                     *       "last_heartbeat_at": "2026-01-31T09:30:00.000Z",
                     *       "reported_status": "online",
                     *       "reported_name": "Tessa",
                     *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentPresenceView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    resumeAgent: {
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
                 *       "reason": "Maintenance window"
                 *     }
                 */
                "application/json": components["schemas"]["ControlAgentDto"];
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    rotateAgentToken: {
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
                 *       "overlap_seconds": 300
                 *     }
                 */
                "application/json": components["schemas"]["RotateAgentTokenDto"];
            };
        };
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
                     *       "token": "wha_0bC2dE4fG6hI8jK0lM2nO4pQ6rS8tU0vW1xY3zA",
                     *       "previous_valid_until": "2026-01-31T09:35:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["RotatedTokenView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    startAgent: {
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    stopAgent: {
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
                     *       "status": "idle",
                     *       "control_state": "running",
                     *       "autonomy_level": "supervised",
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "slug": "code-reviewer",
                     *       "name": "Code reviewer",
                     *       "description": "Reviews pull requests",
                     *       "role": "specialist",
                     *       "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *       "control_reason": null,
                     *       "is_active": true,
                     *       "llm_provider": "anthropic",
                     *       "llm_model": "claude-sonnet-4-6",
                     *       "system_prompt": "You review code for mistakes.",
                     *       "enabled_tools": [
                     *         "git",
                     *         "shell"
                     *       ],
                     *       "temperature": 0.2,
                     *       "max_tokens": 4096,
                     *       "worker_id": "worker-1",
                     *       "metadata": {
                     *         "team": "platform"
                     *       },
                     *       "max_concurrent_tasks": 10,
                     *       "daily_budget_usd": 25.5,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AgentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
                status?: "all" | "approved" | "expired" | "pending" | "rejected";
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
                     *           "title": "Restart the web server",
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
                     *       "next_cursor": null
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
                 *       "title": "Restart the web server",
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
                     *       "title": "Restart the web server",
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
                     *       "title": "Restart the web server",
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
                     *       "title": "Restart the web server",
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
                     *       "title": "Restart the web server",
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
                     *       "title": "Restart the web server",
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listAuditCheckpoints: {
        parameters: {
            query?: {
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
                     *           "size": 1042,
                     *           "root": "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=",
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "note": "wheelhouse.audit/1/2\\n1042\\nK6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=\\ntime 2026-01-31T09:30:00.000Z\\n\\n— wheelhouse.audit/1 q83vEjRW...\\n"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["CheckpointPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    exportAudit: {
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
                     * @example {"header":{"format":"wheelhouse-audit/1"}}
                     *     {"end":{"rows":0}}
                     */
                    "application/x-ndjson": string;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `not_sealed`: Nothing has been sealed yet, or not as much as is asked for. */
            409: {
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
    proveAuditConsistency: {
        parameters: {
            query?: {
                /**
                 * @description Size of the smaller tree; left out, that of the larger one.
                 * @example 1
                 */
                from?: number;
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
                /**
                 * @description Size of the larger tree; left out, that of the newest checkpoint.
                 * @example 1
                 */
                to?: number;
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
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "from": {
                     *         "size": 1042,
                     *         "root": "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=",
                     *         "note": null
                     *       },
                     *       "to": {
                     *         "size": 1042,
                     *         "root": "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=",
                     *         "note": null
                     *       },
                     *       "path": [
                     *         "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0="
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["ConsistencyProofView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `not_sealed`: Nothing has been sealed yet, or not as much as is asked for. */
            409: {
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
    proveAuditInclusion: {
        parameters: {
            query?: {
                /**
                 * @description Id of the audit row; left out, the newest one of the tree.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                row?: string;
                /**
                 * @description How many rows the tree has; left out, as many as the newest checkpoint.
                 * @example 1
                 */
                size?: number;
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
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "row_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "seq": 17,
                     *       "leaf_hash": "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=",
                     *       "path": [
                     *         "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0="
                     *       ],
                     *       "tree": {
                     *         "size": 1042,
                     *         "root": "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=",
                     *         "note": null
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["InclusionProofView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `not_sealed`: Nothing has been sealed yet, or not as much as is asked for. */
            409: {
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
    getAuditPublicKey: {
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
                     *       "origin": "wheelhouse.audit/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "keys": [
                     *         "wheelhouse.audit/1+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PublicKeyView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    verifyAudit: {
        parameters: {
            query?: {
                /**
                 * @description Its root, in base64; goes with size.
                 * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
                 */
                root?: string;
                /**
                 * @description Its size; goes with root.
                 * @example 1
                 */
                size?: number;
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
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "ok": true,
                     *       "rows": 1042,
                     *       "size": 1042,
                     *       "root": "K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=",
                     *       "waiting": 0,
                     *       "checkpoint_at": null,
                     *       "finding": {
                     *         "kind": "edited",
                     *         "seq": 17,
                     *         "row_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "detail": "Row 17 is not what was sealed."
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["VerificationView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    changePassword: {
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
                 *       "current_password": "seven-otters-hum-at-noon",
                 *       "new_password": "nine-herons-sleep-till-dawn"
                 *     }
                 */
                "application/json": components["schemas"]["ChangePasswordDto"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             *
             *     `weak_password`: The password does not meet the password policy.
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
            /**
             * @description `unauthenticated`: No valid credentials were given.
             *
             *     `invalid_credentials`: The e-mail address or the password is wrong.
             */
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             * @description `conflict`: The request conflicts with the present state.
             *
             *     `idempotency_in_progress`: The first request with this Idempotency-Key is still running.
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
    login: {
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
                 *       "email": "ada@example.com",
                 *       "password": "seven-otters-hum-at-noon",
                 *       "session": "bearer"
                 *     }
                 */
                "application/json": components["schemas"]["LoginDto"];
            };
        };
        responses: {
            /** @description One of these answers. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0aWQiOiIwMDAwIn0.c2lnbmF0dXJl",
                     *       "refresh_token": "whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2",
                     *       "token_type": "bearer",
                     *       "csrf_token": "3q2-7wAAAABlbXB0eS1zZXNzaW9uLWNzcmYtdG9rZW4tZXhhbXBsZS1vbmx5LTEyMzQ1Njc4",
                     *       "expires_in": 900,
                     *       "user": {
                     *         "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *         "email": "ada@example.com",
                     *         "full_name": "Ada Lovelace",
                     *         "role": "user",
                     *         "is_active": true,
                     *         "last_login_at": "2026-01-31T09:30:00.000Z",
                     *         "created_at": "2026-01-31T09:30:00.000Z",
                     *         "updated_at": "2026-01-31T09:30:00.000Z",
                     *         "revision": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["TokensView"] | components["schemas"]["MfaRequiredView"];
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
            /** @description `invalid_credentials`: The e-mail address or the password is wrong. */
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
             * @description `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `account_disabled`: This account is disabled.
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
    logout: {
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
                 *       "refresh_token": "whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2"
                 *     }
                 */
                "application/json": components["schemas"]["LogoutDto"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
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
    getMe: {
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
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "email": "ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "role": "user",
                     *       "is_active": true,
                     *       "last_login_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["UserView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    updateMe: {
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
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "full_name": "Ada Lovelace"
                 *     }
                 */
                "application/json": components["schemas"]["UpdateProfileDto"];
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
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "email": "ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "role": "user",
                     *       "is_active": true,
                     *       "last_login_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["UserView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    refreshTokens: {
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
                 *       "refresh_token": "whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2"
                 *     }
                 */
                "application/json": components["schemas"]["RefreshDto"];
            };
        };
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
                     *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0aWQiOiIwMDAwIn0.c2lnbmF0dXJl",
                     *       "refresh_token": "whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2",
                     *       "token_type": "bearer",
                     *       "csrf_token": "3q2-7wAAAABlbXB0eS1zZXNzaW9uLWNzcmYtdG9rZW4tZXhhbXBsZS1vbmx5LTEyMzQ1Njc4",
                     *       "expires_in": 900,
                     *       "user": {
                     *         "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *         "email": "ada@example.com",
                     *         "full_name": "Ada Lovelace",
                     *         "role": "user",
                     *         "is_active": true,
                     *         "last_login_at": "2026-01-31T09:30:00.000Z",
                     *         "created_at": "2026-01-31T09:30:00.000Z",
                     *         "updated_at": "2026-01-31T09:30:00.000Z",
                     *         "revision": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["TokensView"];
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
            /**
             * @description `unauthenticated`: No valid credentials were given.
             *
             *     `token_expired`: The token has expired.
             *
             *     `refresh_token_reused`: This refresh token was used before; the session has ended.
             */
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
             * @description `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `account_disabled`: This account is disabled.
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
    register: {
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
                 *       "email": "ada@example.com",
                 *       "password": "seven-otters-hum-at-noon",
                 *       "full_name": "Ada Lovelace"
                 *     }
                 */
                "application/json": components["schemas"]["RegisterDto"];
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
                     *       "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *       "email": "ada@example.com",
                     *       "full_name": "Ada Lovelace",
                     *       "role": "user",
                     *       "is_active": true,
                     *       "last_login_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["UserView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             *
             *     `weak_password`: The password does not meet the password policy.
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
            /** @description `registration_disabled`: Accounts are made by an administrator here. */
            403: {
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
             *     `email_taken`: An account with this e-mail address exists.
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
    listOwnSessions: {
        parameters: {
            query?: {
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
                     *           "user_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "email": "ada@example.com",
                     *           "kind": "cookie",
                     *           "device": "Firefox on Linux",
                     *           "ip": "203.0.113.7",
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "last_used_at": "2026-01-31T09:30:00.000Z",
                     *           "expires_at": "2026-03-02T09:30:00.000Z",
                     *           "current": true
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["SessionPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    endOwnSession: {
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listBoards: {
        parameters: {
            query?: {
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
                 * @description Only boards whose name or slug contains this.
                 * @example web
                 */
                search?: string;
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
                     *           "slug": "website",
                     *           "name": "Website",
                     *           "description": "Work on the public website",
                     *           "require_approval_for_done": false,
                     *           "require_review_before_done": true,
                     *           "comment_required_for_review": false,
                     *           "block_status_changes_with_pending_approval": false,
                     *           "only_lead_can_change_status": false,
                     *           "max_agents": 5,
                     *           "lead_agent_id": null,
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["BoardPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createBoard: {
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
                 *       "name": "Website",
                 *       "slug": "website",
                 *       "description": "Work on the public website",
                 *       "require_approval_for_done": false,
                 *       "require_review_before_done": true,
                 *       "comment_required_for_review": false,
                 *       "block_status_changes_with_pending_approval": false,
                 *       "only_lead_can_change_status": false,
                 *       "max_agents": 5,
                 *       "lead_agent_id": null
                 *     }
                 */
                "application/json": components["schemas"]["CreateBoardDto"];
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
                     *       "slug": "website",
                     *       "name": "Website",
                     *       "description": "Work on the public website",
                     *       "require_approval_for_done": false,
                     *       "require_review_before_done": true,
                     *       "comment_required_for_review": false,
                     *       "block_status_changes_with_pending_approval": false,
                     *       "only_lead_can_change_status": false,
                     *       "max_agents": 5,
                     *       "lead_agent_id": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["BoardView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `slug_taken`: The slug is taken.
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
    getBoard: {
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
                     *       "slug": "website",
                     *       "name": "Website",
                     *       "description": "Work on the public website",
                     *       "require_approval_for_done": false,
                     *       "require_review_before_done": true,
                     *       "comment_required_for_review": false,
                     *       "block_status_changes_with_pending_approval": false,
                     *       "only_lead_can_change_status": false,
                     *       "max_agents": 5,
                     *       "lead_agent_id": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["BoardView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    deleteBoard: {
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
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `conflict`: The request conflicts with the present state. */
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
    updateBoard: {
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
                 *       "name": "Website",
                 *       "slug": "website",
                 *       "description": "Work on the public website",
                 *       "require_approval_for_done": false,
                 *       "require_review_before_done": true,
                 *       "comment_required_for_review": false,
                 *       "block_status_changes_with_pending_approval": false,
                 *       "only_lead_can_change_status": false,
                 *       "max_agents": 5,
                 *       "lead_agent_id": null
                 *     }
                 */
                "application/json": components["schemas"]["UpdateBoardDto"];
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
                     *       "slug": "website",
                     *       "name": "Website",
                     *       "description": "Work on the public website",
                     *       "require_approval_for_done": false,
                     *       "require_review_before_done": true,
                     *       "comment_required_for_review": false,
                     *       "block_status_changes_with_pending_approval": false,
                     *       "only_lead_can_change_status": false,
                     *       "max_agents": 5,
                     *       "lead_agent_id": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["BoardView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             * @description `slug_taken`: The slug is taken.
             *
             *     `board_full`: The board has as many agents as it may have.
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
    listBoardAgents: {
        parameters: {
            query?: {
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
                     *           "status": "idle",
                     *           "control_state": "running",
                     *           "autonomy_level": "supervised",
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *           "slug": "code-reviewer",
                     *           "name": "Code reviewer",
                     *           "description": "Reviews pull requests",
                     *           "role": "specialist",
                     *           "status_changed_at": "2026-01-31T09:30:00.000Z",
                     *           "control_reason": null,
                     *           "is_active": true,
                     *           "llm_provider": "anthropic",
                     *           "llm_model": "claude-sonnet-4-6",
                     *           "system_prompt": "You review code for mistakes.",
                     *           "enabled_tools": [
                     *             "git",
                     *             "shell"
                     *           ],
                     *           "temperature": 0.2,
                     *           "max_tokens": 4096,
                     *           "worker_id": "worker-1",
                     *           "metadata": {
                     *             "team": "platform"
                     *           },
                     *           "max_concurrent_tasks": 10,
                     *           "daily_budget_usd": 25.5,
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["AgentPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    addBoardAgent: {
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
                agent_id: string;
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
            /** @description `board_full`: The board has as many agents as it may have. */
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
    removeBoardAgent: {
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
                agent_id: string;
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listBoardMemory: {
        parameters: {
            query?: {
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
                 * @description Only memories with this tag.
                 * @example staging
                 */
                tag?: string;
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
                     *           "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "content": "The staging server is rebuilt every night at two.",
                     *           "tags": [
                     *             "staging"
                     *           ],
                     *           "source": "Operations handbook",
                     *           "author_kind": "agent",
                     *           "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["BoardMemoryPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    addBoardMemory: {
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
                 *       "content": "The staging server is rebuilt every night at two.",
                 *       "tags": [
                 *         "staging"
                 *       ],
                 *       "source": "Operations handbook"
                 *     }
                 */
                "application/json": components["schemas"]["AddBoardMemoryDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "content": "The staging server is rebuilt every night at two.",
                     *       "tags": [
                     *         "staging"
                     *       ],
                     *       "source": "Operations handbook",
                     *       "author_kind": "agent",
                     *       "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "created_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["BoardMemoryView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    streamBoardMemory: {
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
            /** @description A stream of server-sent events. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example id: 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                     *     event: task.completed
                     *     data: {"task_id":"0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01"}
                     */
                    "text/event-stream": string;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listDeadLetters: {
        parameters: {
            query?: {
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
                     *           "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "title": "Summarise the quarterly report",
                     *           "reason": "The report is encrypted.",
                     *           "attempts": [
                     *             {
                     *               "fence": 1,
                     *               "attempt": 1,
                     *               "agent_id": null,
                     *               "outcome": "failed",
                     *               "error": "The report is encrypted.",
                     *               "started_at": "2026-01-31T09:30:00.000Z",
                     *               "ended_at": "2026-01-31T09:31:00.000Z"
                     *             }
                     *           ],
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["DeadLetterPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createDeadLetter: {
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
                 *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "reason": "The customer has left"
                 *     }
                 */
                "application/json": components["schemas"]["CreateDeadLetterDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "title": "Summarise the quarterly report",
                     *       "reason": "The report is encrypted.",
                     *       "attempts": [
                     *         {
                     *           "fence": 1,
                     *           "attempt": 1,
                     *           "agent_id": null,
                     *           "outcome": "failed",
                     *           "error": "The report is encrypted.",
                     *           "started_at": "2026-01-31T09:30:00.000Z",
                     *           "ended_at": "2026-01-31T09:31:00.000Z"
                     *         }
                     *       ],
                     *       "created_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["DeadLetterView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `task_final`: The task has ended and cannot change.
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
    deleteDeadLetter: {
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    retryDeadLetter: {
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `invalid_transition`: The task cannot go from its status to the one asked for.
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
    retryAllDeadLetters: {
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
                 *       "reason": "timeout"
                 *     }
                 */
                "application/json": components["schemas"]["RetryAllDto"];
            };
        };
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
                     *       "accepted": 120
                     *     }
                     */
                    "application/json": components["schemas"]["RetryAllView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    getDeadLetterStats: {
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
                     *       "total": 2,
                     *       "last_24h": 1,
                     *       "oldest_at": "2026-01-31T09:30:00.000Z",
                     *       "top_reasons": [
                     *         {
                     *           "reason": "The report is encrypted.",
                     *           "count": 2
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["DeadLetterStatsView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listIntake: {
        parameters: {
            query?: {
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
                 * @description Only submissions in this state.
                 * @example new
                 */
                status?: "converted" | "new";
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
                     *           "full_name": "John Doe",
                     *           "email": "john@example.com",
                     *           "priorities": "Cost reduction, better response time",
                     *           "automation_wish": "Auto-respond to support tickets",
                     *           "channels": [
                     *             "telegram",
                     *             "discord"
                     *           ],
                     *           "ip": "203.0.113.7",
                     *           "status": "new",
                     *           "converted_tenant_id": null,
                     *           "converted_at": null,
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["IntakeSubmissionPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    submitIntake: {
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
                 *       "full_name": "John Doe",
                 *       "email": "john@example.com",
                 *       "priorities": "Cost reduction, better response time",
                 *       "automation_wish": "Auto-respond to support tickets",
                 *       "channels": [
                 *         "telegram",
                 *         "discord"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["SubmitIntakeDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "created_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["IntakeReceiptView"];
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
    convertIntake: {
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
                 *       "submission_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "name": "Acme Ltd",
                 *       "slug": "acme",
                 *       "password": "seven-otters-hum-at-noon"
                 *     }
                 */
                "application/json": components["schemas"]["ConvertIntakeDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "tenant": {
                     *         "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "slug": "acme",
                     *         "name": "Acme Ltd",
                     *         "plan": "free",
                     *         "status": "active",
                     *         "suspended_reason": null,
                     *         "created_at": "2026-01-31T09:30:00.000Z",
                     *         "updated_at": "2026-01-31T09:30:00.000Z",
                     *         "revision": 1
                     *       },
                     *       "admin": {
                     *         "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *         "email": "ada@example.com",
                     *         "full_name": "Ada Lovelace",
                     *         "role": "user",
                     *         "is_active": true,
                     *         "last_login_at": "2026-01-31T09:30:00.000Z",
                     *         "created_at": "2026-01-31T09:30:00.000Z",
                     *         "updated_at": "2026-01-31T09:30:00.000Z",
                     *         "revision": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["IntakeConversionView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             *
             *     `weak_password`: The password does not meet the password policy.
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `email_taken`: An account with this e-mail address exists.
             *
             *     `slug_taken`: The slug is taken.
             *
             *     `intake_converted`: This submission has become a tenant already.
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
    getSecurity: {
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
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "mfa": {
                     *         "required_roles": [
                     *           "admin"
                     *         ],
                     *         "after_sso": "unless_amr"
                     *       },
                     *       "sso": {
                     *         "enforced": false,
                     *         "break_glass_user_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                     *       },
                     *       "session": {
                     *         "max_age_seconds": 7776000,
                     *         "idle_seconds": 2592000
                     *       },
                     *       "lockout": {
                     *         "free_attempts": 10,
                     *         "longest_wait_seconds": 60
                     *       },
                     *       "revision": 1,
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["SecurityView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    updateSecurity: {
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
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "mfa": {
                 *         "required_roles": [
                 *           "admin"
                 *         ],
                 *         "after_sso": "unless_amr"
                 *       },
                 *       "sso": {
                 *         "enforced": false,
                 *         "break_glass_user_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                 *       },
                 *       "session": {
                 *         "max_age_seconds": 7776000,
                 *         "idle_seconds": 2592000
                 *       },
                 *       "lockout": {
                 *         "free_attempts": 10,
                 *         "longest_wait_seconds": 60
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["UpdateSecurityDto"];
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
                     *       "mfa": {
                     *         "required_roles": [
                     *           "admin"
                     *         ],
                     *         "after_sso": "unless_amr"
                     *       },
                     *       "sso": {
                     *         "enforced": false,
                     *         "break_glass_user_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                     *       },
                     *       "session": {
                     *         "max_age_seconds": 7776000,
                     *         "idle_seconds": 2592000
                     *       },
                     *       "lockout": {
                     *         "free_attempts": 10,
                     *         "longest_wait_seconds": 60
                     *       },
                     *       "revision": 1,
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["SecurityView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listApiKeys: {
        parameters: {
            query?: {
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
                     *           "name": "Nightly reports",
                     *           "prefix": "whk_2Jx0dJ",
                     *           "scopes": [
                     *             "task:read",
                     *             "agent:read"
                     *           ],
                     *           "owner_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *           "expires_at": "2027-01-31T09:30:00.000Z",
                     *           "last_used_at": "2026-01-31T09:30:00.000Z",
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "revision": 1
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["ApiKeyPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createApiKey: {
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
                 *       "name": "Nightly reports",
                 *       "scopes": [
                 *         "task:read",
                 *         "agent:read"
                 *       ],
                 *       "expires_at": "2027-01-31T09:30:00.000Z"
                 *     }
                 */
                "application/json": components["schemas"]["CreateApiKeyDto"];
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
                     *       "name": "Nightly reports",
                     *       "prefix": "whk_2Jx0dJ",
                     *       "scopes": [
                     *         "task:read",
                     *         "agent:read"
                     *       ],
                     *       "owner_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01",
                     *       "expires_at": "2027-01-31T09:30:00.000Z",
                     *       "last_used_at": "2026-01-31T09:30:00.000Z",
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1,
                     *       "key": "whk_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2"
                     *     }
                     */
                    "application/json": components["schemas"]["NewApiKeyView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `scope_exceeded`: A key cannot be given more than its creator may do.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    revokeApiKey: {
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    getPasswordPolicy: {
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
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "min_length": 8,
                     *       "max_length": 256,
                     *       "common_refused": true,
                     *       "history": 3,
                     *       "revision": 1,
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["PasswordPolicyView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    updatePasswordPolicy: {
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
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "min_length": 12,
                 *       "history": 3
                 *     }
                 */
                "application/json": components["schemas"]["UpdatePasswordPolicyDto"];
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
                     *       "min_length": 8,
                     *       "max_length": 256,
                     *       "common_refused": true,
                     *       "history": 3,
                     *       "revision": 1,
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["PasswordPolicyView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listSessions: {
        parameters: {
            query?: {
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
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
                /**
                 * @description Only those of this user.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                user_id?: string;
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
                     *           "user_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "email": "ada@example.com",
                     *           "kind": "cookie",
                     *           "device": "Firefox on Linux",
                     *           "ip": "203.0.113.7",
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "last_used_at": "2026-01-31T09:30:00.000Z",
                     *           "expires_at": "2026-03-02T09:30:00.000Z",
                     *           "current": true
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["SessionPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    endSessionsOfUser: {
        parameters: {
            query: {
                /**
                 * @description Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.
                 * @example default
                 */
                tenant_id?: components["parameters"]["TenantId"];
                /**
                 * @description All sessions of this user are ended.
                 * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                 */
                user_id: string;
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
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "ended": 2
                     *     }
                     */
                    "application/json": components["schemas"]["EndedSessionsView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    endSession: {
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content?: never;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    completeSetup: {
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
                 *       "setup_token": "whs_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2",
                 *       "email": "ada@example.com",
                 *       "password": "seven-otters-hum-at-noon",
                 *       "full_name": "Ada Lovelace",
                 *       "organization": "Analytical Engines",
                 *       "session": "bearer"
                 *     }
                 */
                "application/json": components["schemas"]["CompleteSetupDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0aWQiOiIwMDAwIn0.c2lnbmF0dXJl",
                     *       "refresh_token": "whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2",
                     *       "token_type": "bearer",
                     *       "csrf_token": "3q2-7wAAAABlbXB0eS1zZXNzaW9uLWNzcmYtdG9rZW4tZXhhbXBsZS1vbmx5LTEyMzQ1Njc4",
                     *       "expires_in": 900,
                     *       "user": {
                     *         "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *         "tenant_id": "00000000-0000-7000-8000-000000000001",
                     *         "email": "ada@example.com",
                     *         "full_name": "Ada Lovelace",
                     *         "role": "user",
                     *         "is_active": true,
                     *         "last_login_at": "2026-01-31T09:30:00.000Z",
                     *         "created_at": "2026-01-31T09:30:00.000Z",
                     *         "updated_at": "2026-01-31T09:30:00.000Z",
                     *         "revision": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["TokensView"];
                };
            };
            /**
             * @description `invalid_request`: The request is malformed or a field is invalid.
             *
             *     `malformed_json`: The body is not valid JSON.
             *
             *     `weak_password`: The password does not meet the password policy.
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
            /** @description `setup_token_invalid`: The setup token is wrong. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemView"];
                };
            };
            /** @description `csrf_failed`: The x-csrf-token header is missing or wrong. */
            403: {
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
             *     `setup_done`: This installation has been set up already.
             *
             *     `email_taken`: An account with this e-mail address exists.
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
    getSetupStatus: {
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
                     *       "needs_setup": true
                     *     }
                     */
                    "application/json": components["schemas"]["SetupStatusView"];
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
    listTasks: {
        parameters: {
            query?: {
                /** @description Assigned to this agent. */
                agent_id?: string;
                /** @description On this board. */
                board_id?: string;
                /** @description Held by this agent now. */
                claimed_by?: string;
                /** @description next_cursor of the page before; wins over offset. */
                cursor?: string;
                /**
                 * @description Only those whose deadline has passed, or has not.
                 * @example true
                 */
                deadline_exceeded?: "false" | "true";
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
                /** @description Parts of this task. */
                parent_task_id?: string;
                /**
                 * @description Only tasks of this priority.
                 * @example high
                 */
                priority?: "critical" | "high" | "low" | "medium";
                /**
                 * @description Part of the title, in any letter case.
                 * @example report
                 */
                search?: string;
                /**
                 * @description A status; pending and running are names for queued and in_progress, failed includes dead letters, active is all that has not ended.
                 * @example queued
                 */
                status?: "active" | "all" | "blocked" | "cancelled" | "completed" | "dead_letter" | "failed" | "in_progress" | "inbox" | "pending" | "queued" | "review" | "running";
                /**
                 * @description The same as status.
                 * @example queued
                 */
                status_filter?: "active" | "all" | "blocked" | "cancelled" | "completed" | "dead_letter" | "failed" | "in_progress" | "inbox" | "pending" | "queued" | "review" | "running";
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
                     *           "title": "Summarise the quarterly report",
                     *           "description": "The board wants two pages.",
                     *           "instructions": "Read the attached report and write a summary.",
                     *           "payload": {
                     *             "report": "q4.pdf"
                     *           },
                     *           "status": "queued",
                     *           "priority": "high",
                     *           "agent_id": null,
                     *           "board_id": null,
                     *           "required_tools": [
                     *             "web_search"
                     *           ],
                     *           "parent_task_id": null,
                     *           "deadline": "2027-01-31T18:00:00.000Z",
                     *           "deadline_exceeded": false,
                     *           "max_retries": 3,
                     *           "retry_count": 0,
                     *           "attempts": 0,
                     *           "fence": 0,
                     *           "available_at": "2026-01-31T09:30:00.000Z",
                     *           "waiting_for": 0,
                     *           "claimed_by": null,
                     *           "lease_expires_at": null,
                     *           "progress_percent": null,
                     *           "progress_note": null,
                     *           "result": {},
                     *           "output_files": [],
                     *           "error": null,
                     *           "retried_from": null,
                     *           "cancel_reason": null,
                     *           "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "started_at": null,
                     *           "completed_at": null,
                     *           "revision": 1,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TaskPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createTask: {
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
                 *       "title": "Summarise the quarterly report",
                 *       "description": "The board wants two pages.",
                 *       "instructions": "Read the attached report and write a summary of at most two pages.",
                 *       "payload": {
                 *         "report": "q4.pdf"
                 *       },
                 *       "priority": "high",
                 *       "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "board_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "deadline": "2027-01-31T18:00:00.000Z",
                 *       "required_tools": [
                 *         "web_search"
                 *       ],
                 *       "depends_on": [
                 *         "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                 *       ],
                 *       "parent_task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                 *       "max_retries": 3,
                 *       "status": "queued"
                 *     }
                 */
                "application/json": components["schemas"]["CreateTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    getTask: {
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "depends_on": [
                     *         "text"
                     *       ],
                     *       "blocked_by": [
                     *         {
                     *           "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "status": "dead_letter"
                     *         }
                     *       ],
                     *       "attempt_history": [
                     *         {
                     *           "fence": 1,
                     *           "attempt": 1,
                     *           "agent_id": null,
                     *           "outcome": "failed",
                     *           "error": "The report is encrypted.",
                     *           "started_at": "2026-01-31T09:30:00.000Z",
                     *           "ended_at": "2026-01-31T09:31:00.000Z"
                     *         }
                     *       ],
                     *       "subtask_ids": [
                     *         "text"
                     *       ],
                     *       "comment_count": 0
                     *     }
                     */
                    "application/json": components["schemas"]["TaskDetailView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    cancelPendingTask: {
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             * @description `approval_pending`: An approval is pending for this task; its status cannot change.
             *
             *     `task_final`: The task has ended and cannot change.
             *
             *     `invalid_transition`: The task cannot go from its status to the one asked for.
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
    updateTask: {
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
                 *       "title": "Summarise the quarterly report",
                 *       "description": "The board wants three pages.",
                 *       "instructions": "Write at most three pages.",
                 *       "payload": {
                 *         "report": "q4-final.pdf"
                 *       },
                 *       "priority": "critical",
                 *       "agent_id": null,
                 *       "board_id": null,
                 *       "deadline": "2027-02-28T18:00:00.000Z",
                 *       "required_tools": [
                 *         "web_search",
                 *         "calculate"
                 *       ],
                 *       "depends_on": [
                 *         "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"
                 *       ],
                 *       "max_retries": 5,
                 *       "status": "queued",
                 *       "action": "retry"
                 *     }
                 */
                "application/json": components["schemas"]["UpdateTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             * @description `approval_required`: On this board a task needs an approved approval before it is done.
             *
             *     `approval_pending`: An approval is pending for this task; its status cannot change.
             *
             *     `task_final`: The task has ended and cannot change.
             *
             *     `invalid_transition`: The task cannot go from its status to the one asked for.
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
            /** @description `dependency_cycle`: The dependencies would form a cycle. */
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
    cancelTask: {
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
                 *       "reason": "No longer needed"
                 *     }
                 */
                "application/json": components["schemas"]["CancelTaskDto"];
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
                     *       "title": "Summarise the quarterly report",
                     *       "description": "The board wants two pages.",
                     *       "instructions": "Read the attached report and write a summary.",
                     *       "payload": {
                     *         "report": "q4.pdf"
                     *       },
                     *       "status": "queued",
                     *       "priority": "high",
                     *       "agent_id": null,
                     *       "board_id": null,
                     *       "required_tools": [
                     *         "web_search"
                     *       ],
                     *       "parent_task_id": null,
                     *       "deadline": "2027-01-31T18:00:00.000Z",
                     *       "deadline_exceeded": false,
                     *       "max_retries": 3,
                     *       "retry_count": 0,
                     *       "attempts": 0,
                     *       "fence": 0,
                     *       "available_at": "2026-01-31T09:30:00.000Z",
                     *       "waiting_for": 0,
                     *       "claimed_by": null,
                     *       "lease_expires_at": null,
                     *       "progress_percent": null,
                     *       "progress_note": null,
                     *       "result": {},
                     *       "output_files": [],
                     *       "error": null,
                     *       "retried_from": null,
                     *       "cancel_reason": null,
                     *       "created_by": "user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "started_at": null,
                     *       "completed_at": null,
                     *       "revision": 1,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `approval_pending`: An approval is pending for this task; its status cannot change.
             *
             *     `task_final`: The task has ended and cannot change.
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
    listTaskComments: {
        parameters: {
            query?: {
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
                     *           "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "body": "The numbers of page 3 need a source.",
                     *           "author_kind": "agent",
                     *           "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *           "created_at": "2026-01-31T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TaskCommentPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createTaskComment: {
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
                 *       "body": "The numbers of page 3 need a source."
                 *     }
                 */
                "application/json": components["schemas"]["CreateCommentDto"];
            };
        };
        responses: {
            /** @description The answer. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "body": "The numbers of page 3 need a source.",
                     *       "author_kind": "agent",
                     *       "author_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00",
                     *       "created_at": "2026-01-31T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TaskCommentView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    getTaskStats: {
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
                     *       "total": 2,
                     *       "by_status": {
                     *         "queued": 1,
                     *         "completed": 1
                     *       },
                     *       "by_priority": {
                     *         "critical": 0,
                     *         "high": 1,
                     *         "medium": 1,
                     *         "low": 0
                     *       },
                     *       "oldest_ready_seconds": 12
                     *     }
                     */
                    "application/json": components["schemas"]["TaskStatsView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    streamTasks: {
        parameters: {
            query?: {
                /** @description Only tasks of this board. */
                board_id?: string;
                /** @description Only this task. */
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
            /** @description A stream of server-sent events. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example id: 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
                     *     event: task.completed
                     *     data: {"task_id":"0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01"}
                     */
                    "text/event-stream": string;
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    listTenants: {
        parameters: {
            query?: {
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
                 * @description Only tenants in this state.
                 * @example active
                 */
                status?: "active" | "suspended";
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
                     *           "slug": "acme",
                     *           "name": "Acme Ltd",
                     *           "plan": "free",
                     *           "status": "active",
                     *           "suspended_reason": null,
                     *           "created_at": "2026-01-31T09:30:00.000Z",
                     *           "updated_at": "2026-01-31T09:30:00.000Z",
                     *           "revision": 1
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "total_is_estimate": true,
                     *       "limit": 50,
                     *       "offset": 0,
                     *       "next_cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["TenantPage"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    createTenant: {
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
                 *       "name": "Acme Ltd",
                 *       "slug": "acme",
                 *       "plan": "free"
                 *     }
                 */
                "application/json": components["schemas"]["CreateTenantDto"];
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
                     *       "slug": "acme",
                     *       "name": "Acme Ltd",
                     *       "plan": "free",
                     *       "status": "active",
                     *       "suspended_reason": null,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["TenantView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `slug_taken`: The slug is taken.
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
    getTenant: {
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
                     *       "slug": "acme",
                     *       "name": "Acme Ltd",
                     *       "plan": "free",
                     *       "status": "active",
                     *       "suspended_reason": null,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["TenantView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    updateTenant: {
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
                 *       "name": "Acme Ltd",
                 *       "plan": "team"
                 *     }
                 */
                "application/json": components["schemas"]["UpdateTenantDto"];
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
                     *       "slug": "acme",
                     *       "name": "Acme Ltd",
                     *       "plan": "free",
                     *       "status": "active",
                     *       "suspended_reason": null,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["TenantView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    resumeTenant: {
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
                     *       "slug": "acme",
                     *       "name": "Acme Ltd",
                     *       "plan": "free",
                     *       "status": "active",
                     *       "suspended_reason": null,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["TenantView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
    suspendTenant: {
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
                 *       "reason": "Invoice 2026-017 is unpaid"
                 *     }
                 */
                "application/json": components["schemas"]["SuspendTenantDto"];
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
                     *       "slug": "acme",
                     *       "name": "Acme Ltd",
                     *       "plan": "free",
                     *       "status": "active",
                     *       "suspended_reason": null,
                     *       "created_at": "2026-01-31T09:30:00.000Z",
                     *       "updated_at": "2026-01-31T09:30:00.000Z",
                     *       "revision": 1
                     *     }
                     */
                    "application/json": components["schemas"]["TenantView"];
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
             *     `csrf_failed`: The x-csrf-token header is missing or wrong.
             *
             *     `tenant_suspended`: This tenant is suspended.
             *
             *     `mfa_setup_required`: The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.
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
             *     `operator_tenant`: The tenant of the operator cannot be suspended.
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
