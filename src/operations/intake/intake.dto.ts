import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { SLUG_PATTERN } from '../../core/slug.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsEmailAddress } from '../../platform/http/is-email-address.js';
import { IsLine } from '../../platform/http/is-line.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { INTAKE_STATUSES, type IntakeStatus } from './intake-submission.entity.js';

/** What somebody who wants to become a tenant tells. */
export class SubmitIntakeDto {
  /** @example "John Doe" */
  @IsLine(200)
  full_name!: string;

  /** @example john@example.com */
  @IsEmailAddress()
  email!: string;

  /**
   * What matters most.
   * @example "Cost reduction, better response time"
   */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  priorities?: string | null;

  /**
   * What agents should do first.
   * @example "Auto-respond to support tickets"
   */
  @IsOptional()
  @IsString()
  @MaxLength(5000)
  automation_wish?: string | null;

  /**
   * Where people are to be reached.
   * @example ["telegram", "discord"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @MaxLength(60, { each: true })
  channels?: string[];
}

/** Which submissions to list. */
export class ListIntakeQuery extends PageQuery {
  /**
   * Only submissions in this state.
   * @example new
   */
  @IsOptional()
  @IsIn(INTAKE_STATUSES)
  status?: IntakeStatus;
}

/** A submission that becomes a tenant, and the account of its first administrator. */
export class ConvertIntakeDto {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  @IsUUID()
  submission_id!: string;

  /** @example "Acme Ltd" */
  @IsLine(200)
  name!: string;

  /**
   * Lower-case letters, digits and hyphens, up to 60; it never changes.
   * @example acme
   */
  @IsString()
  @MaxLength(60)
  @Matches(SLUG_PATTERN, { message: 'slug must consist of lower-case letters, digits and single hyphens' })
  slug!: string;

  /**
   * Of the first administrator, who has the submission's name and address. Hand it over by a way of your own; it can be
   * changed at /auth/change-password.
   * @example seven-otters-hum-at-noon
   */
  @IsString()
  @MaxLength(512)
  password!: string;
}

/** The removal of a form. */
export class RemoveIntakeDto {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  @IsUUID()
  submission_id!: string;
}
