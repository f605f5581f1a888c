import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { IsInstant } from '../../platform/http/is-instant.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { AUDIT_OUTCOMES, type AuditOutcome } from './audit-row.entity.js';

/** What the audit log is searched by. All conditions hold at once. */
export class AuditQuery extends PageQuery {
  /**
   * The action, or its beginning with a star: `task.*`.
   * @example task.*
   */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  @Matches(/^[^*]*\*?$/, { message: 'action may have a star at its end alone' })
  action?: string;

  /**
   * Id or e-mail address (label) of who did it.
   * @example ada@example.com
   */
  @IsOptional()
  @IsString()
  @MaxLength(320)
  actor?: string;

  /**
   * Kind of the resource.
   * @example task
   */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  resource_type?: string;

  /**
   * Id of the resource.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  resource_id?: string;

  /**
   * done: the change was made. denied: the caller was not allowed. failed: it was tried in vain, like a sign-in.
   * @example denied
   */
  @IsOptional()
  @IsIn(AUDIT_OUTCOMES)
  outcome?: AuditOutcome;

  /**
   * Not before this time.
   * @example 2026-01-01T00:00:00.000Z
   */
  @IsOptional()
  @IsInstant({ dayAllowed: true })
  @MaxLength(40)
  from?: string;

  /**
   * Before this time.
   * @example 2027-01-01T00:00:00.000Z
   */
  @IsOptional()
  @IsInstant({ dayAllowed: true })
  @MaxLength(40)
  to?: string;

  /**
   * X-Request-Id of the request that did it.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  @IsOptional()
  @IsString()
  @MaxLength(128)
  request_id?: string;
}
