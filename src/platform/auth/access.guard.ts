import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { type Actor, roleOf } from '../../core/actor.js';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { isAllowed } from '../../core/permissions.js';
import { notFound, Problem } from '../../core/problem.js';
import { RequestContext } from '../context/request-context.js';
import { OPERATION, type OperationMeta } from '../http/operation.decorator.js';
import { PlanLimits } from '../limits/plan-limits.port.js';
import { RateLimits } from '../limits/rate-limits.js';
import { AuditPort } from './audit-port.js';
import { Authenticator } from './authenticator.js';
import { Browsers } from './browsers.js';
import type { Credential } from './credentials.js';
import { CsrfTokens } from './csrf-tokens.port.js';
import { Guesses } from './guesses.js';
import { RefusedActor } from './refused-actor.js';
import { TenantResolver } from './tenant-resolver.js';

/**
 * Lets a request through when its route declares a permission and the caller has it. Everything else is refused: a
 * route without `@Operation` is not reachable by anyone.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly context: RequestContext,
    private readonly authenticator: Authenticator,
    private readonly limits: RateLimits,
    private readonly guesses: Guesses,
    private readonly tenants: TenantResolver,
    private readonly audit: AuditPort,
    private readonly browsers: Browsers,
    private readonly csrf: CsrfTokens,
    private readonly plans: PlanLimits,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const operation = this.reflector.get<OperationMeta | undefined>(OPERATION, execution.getHandler());
    if (!operation) throw new Problem('forbidden', { detail: 'This route declares no permission.' });
    this.context.set('operationId', operation.id);
    const request = execution.switchToHttp().getRequest<Request>();
    // A POST that changes a resource may be made to depend on its revision, too; one that says nothing of it is not.
    if (request.headers['if-match'] !== undefined && operation.problems?.includes('precondition_failed')) this.context.set('ifMatch', request.headers['if-match']);
    if (operation.rateLimit) await this.limits.consume(operation.rateLimit, request);
    if (operation.allow === 'public') return true;
    const credential = this.browsers.credentialOf(request);
    const actor = await this.identify(request, credential, operation.whileRestricted);
    await this.admit(actor, request);
    if (credential?.kind === 'cookie') this.csrf.check(request, actor);
    if (!isAllowed(actor, operation.allow)) {
      throw new Problem('forbidden', { detail: `These credentials do not have the permission ${operation.allow}.`, extra: { permission: operation.allow } });
    }
    await this.chooseTenant(actor, request);
    return true;
  }

  private async identify(request: Request, credential: Credential | undefined, whileRestricted?: OperationMeta['whileRestricted']): Promise<Actor> {
    const check = (): Promise<Actor> => this.authenticator.authenticate(credential, whileRestricted);
    try {
      return await (credential ? this.guesses.judge(credential, request, check) : check());
    } catch (error) {
      if (error instanceof RefusedActor) await this.admit(error.actor, request);
      if (!credential) await this.limits.show('auth', request);
      throw error;
    }
  }

  /** From here on it is known who calls. First the limit: each denial writes a row of the audit trail (the problem filter does). */
  private async admit(actor: Actor, request: Request): Promise<void> {
    this.context.become(actor);
    await this.limits.consume('api', request, `${actor.kind}:${actor.id}`);
    const most = await this.plans.requestsPerMinute(actor.tenantId);
    if (most !== undefined) await this.limits.consume('tenant', request, actor.tenantId, most);
  }

  /** `tenant_id` in the query or body: operators may name any tenant, other admins only their own. */
  private async chooseTenant(actor: Actor, request: Request): Promise<void> {
    if (roleOf(actor) !== 'admin') return;
    const body = request.body as Record<string, unknown> | undefined;
    const query = request.query as Record<string, unknown>;
    const named = query['tenant_id'] ?? (isRecord(body) ? body['tenant_id'] : undefined);
    if (typeof named !== 'string') return;
    // Of a purged tenant there is a log to read, and nothing to change.
    const tenantId = await this.tenants.resolve(named, request.method === 'GET' || request.method === 'HEAD');
    if (actor.tenantId !== OPERATOR_TENANT_ID && tenantId !== actor.tenantId) {
      // Absent or another's: the same answer, the same row, and no id of another's in the own trail.
      await this.audit.denied({ action: 'access.denied', detail: { operation: this.context.get('operationId'), field: 'tenant_id' } });
      throw notFound('tenant');
    }
    if (!tenantId) throw notFound('tenant');
    if (isRecord(body)) delete body['tenant_id'];
    const { tenant_id: _named, ...rest } = query;
    Object.defineProperty(request, 'query', { value: rest, configurable: true, enumerable: true, writable: true });
    this.context.set('tenantId', tenantId);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
