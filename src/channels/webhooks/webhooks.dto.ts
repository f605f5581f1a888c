import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { LONGEST_EVENT_PATTERN } from '../../core/event-pattern.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsLine } from '../../platform/http/is-line.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { SIGNATURE_FORMS, type SignatureForm } from './signature-forms.js';
import { DIRECTIONS, type Direction } from './webhook.entity.js';

const MOST_PATTERNS = 50;
const LONGEST_URL = 2_048;
const MOST_CONCURRENT = 32;
const LONGEST_TIMEOUT = 30;
const LONGEST_OVERLAP = 7 * 86_400;
const LONGEST_WINDOW = 86_400;
const VISIBLE = /^[\x21-\x7e]+$/;
const MEMBER = /^\w+$/;

/** A new webhook: with a url it sends events there; without one, and with a name, it receives. */
export class CreateWebhookDto {
  /**
   * Where events are sent to. A secret of the vault may stand in its path or query: `{{secret:NAME}}`. Left out, the webhook receives, at an address that is made.
   * @example https://hooks.example/wheelhouse
   */
  @IfGiven()
  @IsString()
  @MaxLength(LONGEST_URL)
  url?: string;

  /**
   * Which events are sent: names, or patterns of them. `*` stands for one part of a name, `**` for any number.
   * @example ["task.*", "agent.status"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_PATTERNS)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, LONGEST_EVENT_PATTERN, { each: true })
  events?: string[];

  /**
   * Messages are signed with it: `whsec_` and base64, or any 16 to 256 visible characters. Left out, one is made. Shown once, in the answer to this.
   * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD1yKk5bM8a2E=
   */
  @IfGiven()
  @IsString()
  @Length(16, 256)
  @Matches(VISIBLE, { message: 'secret must consist of visible ASCII characters' })
  secret?: string;

  /**
   * Left out where there is a url, it is the host of that.
   * @example "Deployments"
   */
  @IfGiven()
  @IsLine(200)
  name?: string;

  /** Of one that receives: the agent that gets a task for whatever comes in. Without one it is for triggers. */
  @IsOptional()
  @IsUUID()
  agent_id?: string | null;

  /**
   * Of one that receives: how senders sign. `any` takes each of the others.
   * @example github
   */
  @IfGiven()
  @IsIn(SIGNATURE_FORMS)
  signature_form?: SignatureForm;

  /**
   * Of one that receives: how old a signature may be, and for how long the same body counts as the same delivery where a signature says no time.
   * @example 300
   */
  @IfGiven()
  @IsInt()
  @Min(30)
  @Max(LONGEST_WINDOW)
  replay_seconds?: number;

  /**
   * Events whose data have the same value in this member are sent in their order: the next one when the one before was taken or given up.
   * @example task_id
   */
  @IsOptional()
  @IsString()
  @MaxLength(60)
  @Matches(MEMBER, { message: 'order_by must be the name of a member' })
  order_by?: string | null;

  /**
   * How many messages may be under way to it at once.
   * @example 4
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(MOST_CONCURRENT)
  max_concurrent?: number;

  /**
   * How long it may take to answer.
   * @example 15
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(LONGEST_TIMEOUT)
  timeout_seconds?: number;

  /**
   * A webhook that is not enabled is sent nothing.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  is_enabled?: boolean;
}

/** Changes to a webhook; what is left out stays. */
export class UpdateWebhookDto {
  /** @example https://hooks.example/wheelhouse */
  @IfGiven()
  @IsString()
  @MaxLength(LONGEST_URL)
  url?: string;

  /** @example ["task.completed"] */
  @IfGiven()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_PATTERNS)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, LONGEST_EVENT_PATTERN, { each: true })
  events?: string[];

  /** @example "Deployments" */
  @IfGiven()
  @IsLine(200)
  name?: string;

  /** Only of one that receives. */
  @IsOptional()
  @IsUUID()
  agent_id?: string | null;

  /**
   * Only of one that receives.
   * @example github
   */
  @IfGiven()
  @IsIn(SIGNATURE_FORMS)
  signature_form?: SignatureForm;

  /**
   * Only of one that receives.
   * @example 300
   */
  @IfGiven()
  @IsInt()
  @Min(30)
  @Max(LONGEST_WINDOW)
  replay_seconds?: number;

  /** @example task_id */
  @IsOptional()
  @IsString()
  @MaxLength(60)
  @Matches(MEMBER, { message: 'order_by must be the name of a member' })
  order_by?: string | null;

  /** @example 4 */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(MOST_CONCURRENT)
  max_concurrent?: number;

  /** @example 15 */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(LONGEST_TIMEOUT)
  timeout_seconds?: number;

  /**
   * Disabled, it is sent nothing from the answer on, and what happens meanwhile is never sent. What waited goes on when it is enabled again.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  is_enabled?: boolean;
}

/** Another secret. */
export class RotateWebhookSecretDto {
  /**
   * Left out, one is made.
   * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD1yKk5bM8a2E=
   */
  @IfGiven()
  @IsString()
  @Length(16, 256)
  @Matches(VISIBLE, { message: 'secret must consist of visible ASCII characters' })
  secret?: string;

  /**
   * How long the one before works on: messages are signed with both meanwhile. A day when left out.
   * @example 86400
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(LONGEST_OVERLAP)
  overlap_seconds?: number;
}

/** Which webhooks to list. */
export class ListWebhooksQuery extends PageQuery {
  /**
   * Only those that send, or those that receive.
   * @example outbound
   */
  @IsOptional()
  @IsIn(DIRECTIONS)
  direction?: Direction;

  /**
   * Only those that are enabled, or are not.
   * @example true
   */
  @IsOptional()
  @IsIn(['true', 'false'])
  @Type(() => String)
  is_enabled?: 'true' | 'false';
}
