interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string | null;
}

const entry = (status: number, title: string, detail: string, remedy: string | null = null): CatalogueEntry => ({ status, title, detail, remedy });

/**
 * Every code that an answer can carry. Codes are part of the API: they are listed in the OpenAPI document and in
 * docs/problems.md (generated), and a code is never given another meaning.
 */
export const PROBLEMS = {
  // the request itself
  invalid_request: entry(400, 'Invalid request', 'The request is malformed or a field is invalid.', 'Correct the fields named in errors.'),
  malformed_json: entry(400, 'Malformed JSON', 'The body is not valid JSON.', 'Send a JSON body with Content-Type application/json.'),
  unauthenticated: entry(401, 'Not authenticated', 'No valid credentials were given.', 'Send a bearer token, an API key or an agent token.'),
  invalid_credentials: entry(401, 'Wrong credentials', 'The e-mail address or the password is wrong.'),
  token_expired: entry(401, 'Token expired', 'The token has expired.', 'Refresh the token or sign in again.'),
  refresh_token_reused: entry(401, 'Refresh token reused', 'This refresh token was used before; the session has ended.', 'Sign in again.'),
  forbidden: entry(403, 'Not allowed', 'These credentials do not allow this operation.'),
  csrf_failed: entry(403, 'CSRF check failed', 'The x-csrf-token header is missing or wrong.', 'Send the token that came with the session cookie.'),
  not_found: entry(404, 'Not found', 'There is no such resource.'),
  erased: entry(410, 'Erased', 'This content was erased: its key was destroyed.'),
  method_not_allowed: entry(405, 'Method not allowed', 'This path does not answer to this method.', 'See the Allow header.'),
  conflict: entry(409, 'Conflict', 'The request conflicts with the present state.'),
  precondition_failed: entry(412, 'Precondition failed', 'The resource has changed since it was read.', 'Read it again and repeat the change with the new ETag.'),
  payload_too_large: entry(413, 'Payload too large', 'The body is larger than this operation takes.'),
  unsupported_media_type: entry(415, 'Unsupported media type', 'This operation takes application/json.'),
  unprocessable: entry(422, 'Cannot be processed', 'The request is well-formed but cannot be processed.'),
  rate_limited: entry(429, 'Too many requests', 'The rate limit is reached.', 'Wait until retry_at.'),
  internal: entry(500, 'Internal error', 'Something went wrong on our side.', 'Try again; quote request_id when you report it.'),
  unavailable: entry(503, 'Unavailable', 'A dependency is away.', 'Try again after Retry-After.'),
  egress_refused: entry(422, 'Address not allowed', 'This installation sends nothing to that address.', 'Name a public http or https address, or have the operator add the host to EGRESS_ALLOW.'),
  egress_failed: entry(502, 'Target unreachable', 'The target did not answer as it should.', 'See whether the target is up, and try again.'),
  // idempotency (draft-ietf-httpapi-idempotency-key-header)
  idempotency_key_reused: entry(422, 'Idempotency key reused', 'This Idempotency-Key was used with another request.', 'Use a new key for a new request.'),
  idempotency_in_progress: entry(409, 'Request in progress', 'The first request with this Idempotency-Key is still running.', 'Try again shortly.'),
  // identity
  setup_done: entry(409, 'Setup is complete', 'This installation has been set up already.'),
  setup_token_invalid: entry(401, 'Wrong setup token', 'The setup token is wrong.', 'Use the token printed at first start, or SETUP_TOKEN.'),
  registration_disabled: entry(403, 'Registration is off', 'Accounts are made by an administrator here.'),
  email_taken: entry(409, 'E-mail address taken', 'An account with this e-mail address exists.'),
  weak_password: entry(400, 'Weak password', 'The password does not meet the password policy.', 'Use 8 to 256 characters, and no common password.'),
  account_disabled: entry(403, 'Account disabled', 'This account is disabled.'),
  tenant_suspended: entry(403, 'Tenant suspended', 'This tenant is suspended.'),
  slug_taken: entry(409, 'Slug taken', 'The slug is taken.', 'Choose another slug.'),
  last_admin: entry(409, 'Last administrator', 'A tenant keeps at least one active administrator.', 'Make another user an administrator first.'),
  intake_converted: entry(409, 'Already a tenant', 'This submission has become a tenant already.'),
  plan_limit_reached: entry(409, 'Limit of the plan reached', 'The plan of the tenant allows no more of these.', 'Remove some, or have the operator raise the limit: GET /tenants/{id}/usage shows all of them.'),
  operator_tenant: entry(409, 'Operator tenant', 'The tenant of the operator cannot be suspended.'),
  sso_failed: entry(401, 'Single sign-on failed', 'The provider did not confirm who you are, or this sign-in has ended.', 'Begin again at /auth/sso/{provider_id}/start.'),
  sso_refused: entry(403, 'Not let in', 'The provider knows you, but this tenant does not let you in.', 'Ask an administrator of the tenant.'),
  sso_account_exists: entry(409, 'Account exists', 'There is an account with your e-mail address, and it is not linked to this provider.', 'Sign in to it and link the provider, or have an administrator link it.'),
  sso_identity_taken: entry(409, 'Linked already', 'This subject of the issuer is linked to an account already.'),
  sso_required: entry(403, 'Single sign-on required', 'In this tenant nobody signs in with a password.', 'Sign in at the provider of the tenant.'),
  sso_only: entry(403, 'No password here', 'This account signs in at a provider and has no password.'),
  address_not_allowed: entry(403, 'Address not allowed', 'These credentials are not taken from this address.', 'Call from an allowed address, or have an administrator change the rules at /security/ip-rules or the addresses of the key.'),
  locks_out_author: entry(409, 'Locks out its author', 'The rules would refuse the address from which they were sent.', 'Allow the address in current as well, or send force: true.'),
  scope_exceeded: entry(403, 'Scope exceeded', 'A key cannot be given more than its creator may do.'),
  fresh_sign_in_required: entry(403, 'Fresh sign-in required', 'This operation takes a person who has signed in within the last minutes.', 'Sign in again, or call POST /auth/reauthenticate.'),
  second_factor_missing: entry(403, 'Second factor not shown', 'This account is asked for a second factor, which the token does not stand for.', 'Sign in at the issuer with a second factor, where the policy of the tenant is content with that, or sign in here.'),
  mfa_setup_required: entry(403, 'Second factor required', 'The policy of the tenant asks for a second factor; until it is set up nothing else is allowed.', 'Call POST /auth/mfa/setup, then POST /auth/mfa/verify.'),
  password_expired: entry(403, 'Password too old', 'The policy of the tenant asks for a new password; until there is one nothing else is allowed.', 'Call POST /auth/change-password.'),
  mfa_code_invalid: entry(401, 'Wrong code', 'The code is wrong, has expired or was used before.', 'Use the next code of the authenticator, or a recovery code.'),
  mfa_codes_exhausted: entry(403, 'Too many wrong codes', 'So many codes were wrong in a row that codes of the authenticator are not taken any more.', 'Use a recovery code, or ask an administrator to reset the second factor.'),
  mfa_challenge_invalid: entry(401, 'Sign-in expired', 'The challenge is unknown, has expired, was used, or took too many wrong codes.', 'Sign in again.'),
  mfa_enabled: entry(409, 'Second factor is on', 'This account has a second factor already.', 'Turn it off first.'),
  mfa_not_enabled: entry(409, 'No second factor', 'This account has no second factor.', 'Set one up first.'),
  // fleet
  agent_killed: entry(403, 'Agent killed', 'This agent was killed.', 'An operator must resume it.'),
  agent_inactive: entry(403, 'Agent inactive', 'This agent is not active.', 'An operator must start it.'),
  agent_paused: entry(409, 'Agent paused', 'This agent is paused.', 'An operator must resume it.'),
  board_full: entry(409, 'Board is full', 'The board has as many agents as it may have.', 'Remove an agent or raise max_agents.'),
  lead_only: entry(403, 'Only the lead may do this', 'On this board only the lead agent changes a task\'s status.'),
  comment_required: entry(409, 'Comment required', 'On this board a task needs a comment before it is reviewed.', 'Add a comment, then try again.'),
  approval_required: entry(409, 'Approval required', 'On this board a task needs an approved approval before it is done.', 'Request an approval for the task.'),
  approval_pending: entry(409, 'Approval pending', 'An approval is pending for this task; its status cannot change.', 'Decide the approval first.'),
  // work
  lease_lost: entry(409, 'Lease lost', 'The lease on this task is no longer held.', 'Claim the task again.'),
  task_final: entry(409, 'Task has ended', 'The task has ended and cannot change.'),
  invalid_transition: entry(409, 'Invalid transition', 'The task cannot go from its status to the one asked for.'),
  dependency_cycle: entry(422, 'Dependency cycle', 'The dependencies would form a cycle.'),
  deadline_exceeded: entry(409, 'Deadline exceeded', 'The deadline of the task has passed.'),
  workflow_invalid: entry(422, 'Workflow invalid', 'The workflow cannot be run as it is written.', 'Correct the places named in errors.'),
  workflow_input_invalid: entry(422, 'Input invalid', 'The input does not fit the schema that the workflow declares.', 'Correct the places named in errors.'),
  webhook_refused: entry(401, 'Not taken', 'There is no such endpoint, or the signature is not right.', 'Sign the body with the secret of the endpoint, in a form that it takes, and with the time of now.'),
  webhook_disabled: entry(409, 'Webhook disabled', 'This webhook is disabled: nothing is sent.', 'Enable it first.'),
  workflow_disabled: entry(409, 'Workflow not active', 'The workflow starts no runs as it stands.', 'Activate it first.'),
  workflow_too_deep: entry(422, 'Runs too deep', 'Too many runs stand in each other.', 'See whether the workflow starts itself.'),
  run_final: entry(409, 'Run is final', 'The run has ended.'),
  circuit_open: entry(503, 'Circuit open', 'The circuit breaker in front of this target is open.', 'Wait until retry_at.'),
  // audit
  not_sealed: entry(409, 'Not sealed yet', 'Nothing has been sealed yet, or not as much as is asked for.', 'Ask again in a second.'),
  // approvals
  approval_decided: entry(409, 'Approval decided', 'This approval has been decided or has expired.'),
  not_approver: entry(403, 'Not an approver', 'This approval is for others to decide.'),
  approval_voted: entry(409, 'Decided already', 'You have decided on this approval; others must as well.'),
  approval_awaited: entry(409, 'Waits for approval', 'A rule asks for approval of this. It was requested, and waits for a decision.', 'Send the same request again when approval_id is approved.'),
  link_used: entry(409, 'Link used', 'This link was used, or has run out.', 'Sign in and decide there.'),
  approval_not_given: entry(409, 'Approval not given', 'This approval has not been given.', 'Wait for the decision, or request another.'),
  approval_broken: entry(409, 'Approval broken', 'What is stored of this approval is not what was asked for and decided. Nothing is done on it.', 'Request another, and verify the audit log.'),
  grant_mismatch: entry(409, 'Something else was approved', 'The action is not the one that was approved.', 'Do exactly what was approved, or request another approval.'),
  grant_used: entry(409, 'Grant used', 'What was approved has been done; it may be done once.', 'Request another approval.'),
  grant_expired: entry(409, 'Grant expired', 'What was approved was not done in time.', 'Request another approval.'),
  // secrets
  name_taken: entry(409, 'Name taken', 'The name is taken.', 'Choose another name.'),
  lease_required: entry(403, 'Lease required', 'A secret is given only to an agent that holds a lease now.', 'Claim the task that needs the secret first.'),
  secret_not_granted: entry(403, 'Secret not granted', 'No such secret is granted to this agent for what it holds, or its grant has ended or is used up.', 'Ask an administrator for a grant.'),
  secret_not_allowed: entry(403, 'Secret not allowed', 'No such secret may be sent there.', 'An administrator must add the origin to outbound_origins of the secret.'),
  secret_expired: entry(403, 'Secret expired', 'The secret has expired.', 'An administrator must rotate it.'),
  version_retired: entry(409, 'Version retired', 'This version of the secret works no longer.', 'Ask for the current version: leave version out.'),
  version_destroyed: entry(410, 'Version destroyed', 'The value of this version was destroyed.'),
  current_version: entry(409, 'Current version', 'This is the current version of the secret.', 'Rotate the secret first.'),
  self_approval: entry(403, 'Not your own request', 'The requester of an approval cannot decide it.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof PROBLEMS;
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];
