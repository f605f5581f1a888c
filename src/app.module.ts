import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { NotificationsModule } from './channels/notifications/notifications.module.js';
import { RealtimeModule } from './channels/realtime/realtime.module.js';
import { WebhooksModule } from './channels/webhooks/webhooks.module.js';
import { AgentsModule } from './fleet/agents/agents.module.js';
import { BoardsModule } from './fleet/boards/boards.module.js';
import { AccessPolicyModule } from './identity/access-policy/access-policy.module.js';
import { ApiKeysModule } from './identity/api-keys/api-keys.module.js';
import { IdentityAuthModule } from './identity/auth/identity-auth.module.js';
import { MfaModule } from './identity/mfa/mfa.module.js';
import { NetworksModule } from './identity/networks/networks.module.js';
import { SessionsModule } from './identity/sessions/sessions.module.js';
import { SetupModule } from './identity/setup/setup.module.js';
import { SsoModule } from './identity/sso/sso.module.js';
import { TenantsModule } from './identity/tenants/tenants.module.js';
import { UsersModule } from './identity/users/users.module.js';
import { ClientPortalModule } from './operations/client-portal/client-portal.module.js';
import { ComplianceModule } from './operations/compliance/compliance.module.js';
import { HealthModule } from './operations/health/health.module.js';
import { IntakeModule } from './operations/intake/intake.module.js';
import { QueueMetricsModule } from './operations/metrics/metrics.module.js';
import { AccessGuard } from './platform/auth/access.guard.js';
import { AuthModule } from './platform/auth/auth.module.js';
import { CacheModule } from './platform/cache/cache.module.js';
import type { Config } from './platform/config/config.js';
import { ConfigModule } from './platform/config/config.module.js';
import { ContextModule } from './platform/context/context.module.js';
import { CryptoModule } from './platform/crypto/crypto.module.js';
import { DatabaseModule } from './platform/database/database.module.js';
import { EgressModule } from './platform/egress/egress.module.js';
import { ErasureModule } from './platform/erasure/erasure.module.js';
import { ExpressionsModule } from './platform/expressions/expressions.module.js';
import { EventsModule } from './platform/events/events.module.js';
import { HttpModule } from './platform/http/http.module.js';
import { ProblemFilter } from './platform/http/problem.filter.js';
import { validationPipe } from './platform/http/validation.js';
import { IdempotencyInterceptor } from './platform/idempotency/idempotency.interceptor.js';
import { IdempotencyRepository } from './platform/idempotency/idempotency.repository.js';
import { JobsModule } from './platform/jobs/jobs.module.js';
import { MetricsModule } from './platform/metrics/metrics.module.js';
import { OpenApiModule } from './platform/openapi/openapi.module.js';
import { LoggingModule } from './platform/telemetry/logging.module.js';
import { ApprovalsModule } from './safeguards/approvals/approvals.module.js';
import { AuditModule } from './safeguards/audit/audit.module.js';
import { CircuitBreakersModule } from './safeguards/circuit-breakers/circuit-breakers.module.js';
import { SecretsModule } from './safeguards/secrets/secrets.module.js';
import { UsageModule } from './safeguards/usage/usage.module.js';
import { TasksModule } from './work/tasks/tasks.module.js';
import { WorkflowRunsModule } from './work/workflows/runs/workflow-runs.module.js';
import { TriggersModule } from './work/triggers/triggers.module.js';
import { WorkflowsModule } from './work/workflows/workflows.module.js';

const PLATFORM = [ContextModule, LoggingModule, DatabaseModule, CacheModule, CryptoModule, ErasureModule, EventsModule, AuthModule, HttpModule, JobsModule, MetricsModule, OpenApiModule, EgressModule, ExpressionsModule];
const IDENTITY = [TenantsModule, NetworksModule, AccessPolicyModule, SessionsModule, UsersModule, MfaModule, IdentityAuthModule, SsoModule, ApiKeysModule, SetupModule];
const FLEET = [AgentsModule, BoardsModule];
const SAFEGUARDS = [AuditModule, ApprovalsModule, CircuitBreakersModule, SecretsModule, UsageModule];
const WORK = [TasksModule, WorkflowsModule, WorkflowRunsModule, TriggersModule];
const CHANNELS = [RealtimeModule, NotificationsModule, WebhooksModule];
const OPERATIONS = [HealthModule, IntakeModule, QueueMetricsModule, ComplianceModule, ClientPortalModule];

/** The one list of domains, wing by wing. */
@Module({})
export class AppModule {
  static for(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [ConfigModule.for(config), ...PLATFORM, ...IDENTITY, ...FLEET, ...SAFEGUARDS, ...WORK, ...CHANNELS, ...OPERATIONS],
      providers: [
        IdempotencyRepository,
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        { provide: APP_PIPE, useFactory: validationPipe },
      ],
    };
  }
}
