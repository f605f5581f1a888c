import { Transform, Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, IsUUID, Length, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IsInstant } from '../../platform/http/is-instant.js';
import { IsUsd } from '../../platform/http/is-usd.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { APPROVAL_RISKS, APPROVAL_STATUSES, APPROVER_ROLES, type ApprovalRisk, type ApprovalStatus, type ApproverRole } from './approval.entity.js';

const LARGEST_ARGUMENTS = 65_536;
const LONGEST_WAIT_SECONDS = 30;
const MOST_APPROVERS = 50;
const MOST_NEEDED = 20;
const LONGEST_LINK_SECONDS = 7 * 86_400;
const LONGEST_GRANT_SECONDS = 30 * 86_400;
const LONGEST_ESCALATION_SECONDS = 90 * 86_400;

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

/** Who may decide. */
export class ApproversDto {
  /**
   * People, by their ids.
   * @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03"]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_APPROVERS)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  users?: string[];

  /**
   * Everyone of these roles.
   * @example ["admin"]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(APPROVER_ROLES.length)
  @ArrayUnique()
  @IsIn(APPROVER_ROLES, { each: true })
  roles?: ApproverRole[];
}

/** To whom an approval goes when nobody has decided. */
export class EscalationDto {
  /**
   * After so many seconds; left out, when it runs out.
   * @example 1800
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LONGEST_ESCALATION_SECONDS)
  after_seconds?: number;

  /** Who may decide from then on. */
  @IsObject()
  @ValidateNested()
  @Type(() => ApproversDto)
  to!: ApproversDto;

  /**
   * How long they have; left out, until the approval runs out, or as long as the others had when it has.
   * @example 3600
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LONGEST_ESCALATION_SECONDS)
  expires_seconds?: number;
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

  /**
   * What happens then: it ends, or goes to those whom escalation names. That it counts as approved, only a rule may say.
   * @example reject
   */
  @IsOptional()
  @IsIn(['reject', 'escalate'])
  on_expire?: 'reject' | 'escalate';

  /** To whom it goes when nobody has decided after a while. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => EscalationDto)
  escalation?: EscalationDto;

  /** Who may decide; left out, everyone who may decide at all. Never the requester. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ApproversDto)
  approvers?: ApproversDto;

  /**
   * How many different people must approve. One who rejects is enough.
   * @example 1
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_NEEDED)
  min_approvals?: number;

  /**
   * Seconds for which the action may be done once it is approved.
   * @example 3600
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LONGEST_GRANT_SECONDS)
  grant_seconds?: number;

  /**
   * What the action will cost, as far as it is known.
   * @example 2.5
   */
  @IsOptional()
  @IsUsd()
  @Min(0)
  @Max(1_000_000_000)
  cost_usd?: number;
}

/** Links that decide. */
export class MakeApprovalLinksDto {
  /**
   * How long they work.
   * @example 86400
   */
  @IsOptional()
  @IsInt()
  @Min(60)
  @Max(LONGEST_LINK_SECONDS)
  expires_in_seconds: number = 86_400;
}

/** What is about to be done, by the agent that it was approved for. */
export class RedeemApprovalDto {
  /** The action, exactly as it was approved. */
  @IsObject()
  @ValidateNested()
  @Type(() => ApprovalActionDto)
  action!: ApprovalActionDto;
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
