import { Type } from 'class-transformer';
import { IsInt, IsIn, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { HIGHEST_LIMIT } from '../../core/plan-limits.js';
import { SLUG_PATTERN } from '../../core/slug.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { TENANT_STATUSES, type TenantStatus } from './tenant.entity.js';

const PLAN_PATTERN = /^[a-z0-9][a-z0-9_-]*$/;

/** A new tenant. */
export class CreateTenantDto {
  /** @example "Acme Ltd" */
  @IsString()
  @MaxLength(200)
  @Matches(/\S/, { message: 'name must not be blank' })
  name!: string;

  /**
   * Lower-case letters, digits and hyphens, up to 60; it never changes.
   * @example acme
   */
  @IsString()
  @MaxLength(60)
  @Matches(SLUG_PATTERN, { message: 'slug must consist of lower-case letters, digits and single hyphens' })
  slug!: string;

  /** @example free */
  @IfGiven()
  @IsString()
  @MaxLength(40)
  @Matches(PLAN_PATTERN, { message: 'plan must consist of lower-case letters, digits, hyphens and underscores' })
  plan?: string;
}

const Most = (): PropertyDecorator => (target, key) => [IsOptional(), IsInt(), Min(0), Max(HIGHEST_LIMIT)].forEach((rule) => rule(target, key));

/** What a tenant may have at most, instead of what its plan says. null is no limit; what is left out is as the plan says. */
export class LimitsDto {
  /** @example 50 */
  @Most()
  agents?: number | null;

  /** @example 20 */
  @Most()
  boards?: number | null;

  /**
   * Active ones.
   * @example 25
   */
  @Most()
  users?: number | null;

  /**
   * Tasks that have not ended.
   * @example 10000
   */
  @Most()
  open_tasks?: number | null;

  /**
   * Neither revoked nor expired.
   * @example 100
   */
  @Most()
  api_keys?: number | null;

  /** @example null */
  @Most()
  secrets?: number | null;

  /** @example 20 */
  @Most()
  webhooks?: number | null;

  /** @example 50 */
  @Most()
  triggers?: number | null;

  /** @example 200 */
  @Most()
  workflows?: number | null;

  /**
   * Runs of workflows that have not ended.
   * @example 1000
   */
  @Most()
  open_workflow_runs?: number | null;

  /**
   * Approvals that nobody has decided yet.
   * @example 500
   */
  @Most()
  waiting_approvals?: number | null;

  /**
   * Of all callers of the tenant together.
   * @example 6000
   */
  @Most()
  requests_per_minute?: number | null;
}

/** A change of a tenant. What is left out stays. */
export class UpdateTenantDto {
  /** @example "Acme Ltd" */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  @Matches(/\S/, { message: 'name must not be blank' })
  name?: string;

  /** @example team */
  @IfGiven()
  @IsString()
  @MaxLength(40)
  @Matches(PLAN_PATTERN, { message: 'plan must consist of lower-case letters, digits, hyphens and underscores' })
  plan?: string;

  /** The tenant's own limits, all of them: those that are left out are as its plan says again. */
  @IfGiven()
  @ValidateNested()
  @Type(() => LimitsDto)
  limits?: LimitsDto;
}

/** Why a tenant is suspended. */
export class SuspendTenantDto {
  /**
   * Kept with the tenant and in the audit log.
   * @example "Invoice 2026-017 is unpaid"
   */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string | null;
}

/** Which tenants to list. */
export class ListTenantsQuery extends PageQuery {
  /**
   * Only tenants in this state.
   * @example active
   */
  @IsOptional()
  @IsIn(TENANT_STATUSES)
  status?: TenantStatus;
}
