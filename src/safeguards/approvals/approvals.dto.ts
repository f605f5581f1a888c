import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, IsUUID, Length, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IsInstant } from '../../platform/http/is-instant.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { APPROVAL_RISKS, APPROVAL_STATUSES, type ApprovalRisk, type ApprovalStatus } from './approval.entity.js';

const LARGEST_ARGUMENTS = 65_536;
export const LONGEST_WAIT_SECONDS = 30;

/** What is to be approved. */
export class ApprovalActionDto {
  /**
   * Kind of the action.
   * @example ssh.execute
   */
  @IsString()
  @Length(1, 100)
  @Matches(/^[\w.:/-]+$/, { message: 'kind may have letters, digits and . : / - _' })
  kind!: string;

  /**
   * Its arguments, any JSON object of at most 64 KiB. The approval is for exactly these.
   * @example { "command": "systemctl restart web" }
   */
  // As it was sent, member for member: a copy made on the way could differ from what is hashed.
  @Transform(({ obj }) => (obj as ApprovalActionDto).arguments)
  @IsObject()
  @MaxJsonBytes(LARGEST_ARGUMENTS)
  arguments!: Record<string, unknown>;
}

/** A request by an agent. */
export class RequestOwnApprovalDto {
  /**
   * What is asked for, in one line.
   * @example "Restart the web server"
   */
  @IsString()
  @Length(1, 500)
  title!: string;

  /**
   * Why, and what else the reviewer should know.
   * @example "It has been answering 502 for five minutes."
   */
  @IsOptional()
  @IsString()
  @MaxLength(20_000)
  description?: string;

  /** The action itself. */
  @IsObject()
  @ValidateNested()
  @Type(() => ApprovalActionDto)
  action!: ApprovalActionDto;

  /**
   * The task it belongs to; its board's rules look at it.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsOptional()
  @IsUUID()
  task_id?: string;

  /**
   * How sure the requester is that the action is right, from 0 to 1.
   * @example 0.8
   */
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(1)
  confidence?: number;

  /**
   * How much can go wrong.
   * @example medium
   */
  @IsOptional()
  @IsIn(APPROVAL_RISKS)
  risk?: ApprovalRisk;

  /**
   * From then on it can no longer be approved. Left out, it waits without end.
   * @example 2027-01-31T18:00:00.000Z
   */
  @IsOptional()
  @IsInstant()
  @MaxLength(40)
  expires_at?: string;
}

/** A request by a person or a key. */
export class RequestApprovalDto extends RequestOwnApprovalDto {
  /**
   * The agent that will act on it.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  @IsOptional()
  @IsUUID()
  agent_id?: string;
}

/** A decision, when the path says which. */
export class DecideApprovalDto {
  /**
   * What the reviewer has to say.
   * @example "Fine, but only once."
   */
  @IsOptional()
  @IsString()
  @MaxLength(5_000)
  note?: string;
}

/** A decision. */
export class UpdateApprovalDto {
  /**
   * The decision.
   * @example approved
   */
  @IsIn(['approved', 'rejected'])
  status!: 'approved' | 'rejected';

  /**
   * What the reviewer has to say.
   * @example "Fine, but only once."
   */
  @IsOptional()
  @IsString()
  @MaxLength(5_000)
  reviewer_note?: string;
}

/** What the list is filtered by. */
export class ApprovalsQuery extends PageQuery {
  /**
   * Status, or all.
   * @example pending
   */
  @IsOptional()
  @IsIn([...APPROVAL_STATUSES, 'all'])
  status: ApprovalStatus | 'all' = 'pending';

  /** Approvals of this task. */
  @IsOptional()
  @IsUUID()
  task_id?: string;

  /** Approvals for this agent. */
  @IsOptional()
  @IsUUID()
  agent_id?: string;
}

/** How a single approval is read. */
export class ApprovalQuery {
  /**
   * Seconds to wait for the decision while it is pending.
   * @example 20
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(LONGEST_WAIT_SECONDS)
  wait_seconds: number = 0;
}
