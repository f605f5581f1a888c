import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
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
