import { AccessPolicy1700000000027 } from './1700000000027-access-policy.js';
import { AuditGrants1700000000038 } from './1700000000038-audit-grants.js';
import { AuditHolds1700000000039 } from './1700000000039-audit-holds.js';
import { AuditKeyHandover1700000000040 } from './1700000000040-audit-key-handover.js';
import { AuditSealing1700000000024 } from './1700000000024-audit-sealing.js';
import { CircuitBreakers1700000000045 } from './1700000000045-circuit-breakers.js';
import { Approvals1700000000048 } from './1700000000048-approvals.js';
import { CronTicks1700000000049 } from './1700000000049-cron-ticks.js';
import { Fleet1700000000003 } from './1700000000003-fleet.js';
import { Identity1700000000002 } from './1700000000002-identity.js';
import { Intake1700000000028 } from './1700000000028-intake.js';
import { LaneRemoval1700000000006 } from './1700000000006-lane-removal.js';
import { Mfa1700000000022 } from './1700000000022-mfa.js';
import { Networks1700000000026 } from './1700000000026-networks.js';
import { Notifications1700000000047 } from './1700000000047-notifications.js';
import { Platform1700000000001 } from './1700000000001-platform.js';
import { Purges1700000000029 } from './1700000000029-purges.js';
import { Safeguards1700000000005 } from './1700000000005-safeguards.js';
import { Samples1700000000036 } from './1700000000036-samples.js';
import { Sso1700000000023 } from './1700000000023-sso.js';
import { SessionWays1700000000031 } from './1700000000031-session-ways.js';
import { TenantLimits1700000000030 } from './1700000000030-tenant-limits.js';
import { Triggers1700000000054 } from './1700000000054-triggers.js';
import { Usage1700000000033 } from './1700000000033-usage.js';
import { ApiKeyFamilies1700000000034 } from './1700000000034-api-key-families.js';
import { SecretCopies1700000000041 } from './1700000000041-secret-copies.js';
import { SsoLinks1700000000035 } from './1700000000035-sso-links.js';
import { OutboundSecrets1700000000043 } from './1700000000043-outbound-secrets.js';
import { MfaCodeLimit1700000000037 } from './1700000000037-mfa-code-limit.js';
import { Workflows1700000000051 } from './1700000000051-workflows.js';
import { Vault1700000000021 } from './1700000000021-vault.js';
import { InboundWebhooks1700000000050 } from './1700000000050-inbound-webhooks.js';
import { Webhooks1700000000046 } from './1700000000046-webhooks.js';
import { Work1700000000004 } from './1700000000004-work.js';
import { WorkflowRuns1700000000052 } from './1700000000052-workflow-runs.js';
import { BrokenRuns1700000000055 } from './1700000000055-broken-runs.js';
import { RunBounds1700000000057 } from './1700000000057-run-bounds.js';
import { Authors1700000000058 } from './1700000000058-authors.js';
import { RunFamilies1700000000059 } from './1700000000059-run-families.js';
import { TriggerTurns1700000000060 } from './1700000000060-trigger-turns.js';
import { EventBacklogs1700000000061 } from './1700000000061-event-backlogs.js';
import { ListIndexes1700000000062 } from './1700000000062-list-indexes.js';
import { UnheardFacts1700000000063 } from './1700000000063-unheard-facts.js';
import { UndoneTries1700000000056 } from './1700000000056-undone-tries.js';

/** Every migration, in order. One that has landed is never edited; a change is a new one. */
export const MIGRATIONS = [
  Platform1700000000001,
  Identity1700000000002,
  Fleet1700000000003,
  Work1700000000004,
  Safeguards1700000000005,
  LaneRemoval1700000000006,
  Vault1700000000021,
  Mfa1700000000022,
  Sso1700000000023,
  AuditSealing1700000000024,
  Networks1700000000026,
  AccessPolicy1700000000027,
  Intake1700000000028,
  Purges1700000000029,
  TenantLimits1700000000030,
  SessionWays1700000000031,
  Usage1700000000033,
  ApiKeyFamilies1700000000034,
  SsoLinks1700000000035,
  Samples1700000000036,
  MfaCodeLimit1700000000037,
  AuditGrants1700000000038,
  AuditHolds1700000000039,
  AuditKeyHandover1700000000040,
  SecretCopies1700000000041,
  OutboundSecrets1700000000043,
  CircuitBreakers1700000000045,
  Webhooks1700000000046,
  Notifications1700000000047,
  Approvals1700000000048,
  CronTicks1700000000049,
  InboundWebhooks1700000000050,
  Workflows1700000000051,
  WorkflowRuns1700000000052,
  Triggers1700000000054,
  BrokenRuns1700000000055,
  UndoneTries1700000000056,
  RunBounds1700000000057,
  Authors1700000000058,
  RunFamilies1700000000059,
  TriggerTurns1700000000060,
  EventBacklogs1700000000061,
  ListIndexes1700000000062,
  UnheardFacts1700000000063,
];
