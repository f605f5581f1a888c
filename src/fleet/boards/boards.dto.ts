import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min, MinLength } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsLine } from '../../platform/http/is-line.js';
import { IsSlug } from '../../platform/http/is-slug.js';
import { PageQuery } from '../../platform/http/page.dto.js';


/** What may be said about a board when it is made and later. */
export class BoardFields {
  /**
   * What the board is for.
   * @example "Work on the public website"
   */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  description?: string | null;

  /**
   * A task is completed only with an approved approval.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  require_approval_for_done?: boolean;

  /**
   * An agent's completion leads to review; somebody else completes the task.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  require_review_before_done?: boolean;

  /**
   * A task enters review only with a comment.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  comment_required_for_review?: boolean;

  /**
   * While an approval for a task is pending its status does not change.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  block_status_changes_with_pending_approval?: boolean;

  /**
   * Of the agents only the lead changes the status of tasks.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  only_lead_can_change_status?: boolean;

  /**
   * Most agents on the board; null for any number.
   * @example 5
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000)
  max_agents?: number | null;

  /**
   * The agent that leads; it is put on the board when it is not there.
   * @example null
   */
  @IsOptional()
  @IsUUID()
  lead_agent_id?: string | null;
}

/** A new board. */
export class CreateBoardDto extends BoardFields {
  /**
   * Name shown to people.
   * @example Website
   */
  @IsLine(200)
  name!: string;

  /**
   * Short unique name; made from the name when left out.
   * @example website
   */
  @IfGiven()
  @IsSlug()
  slug?: string;
}

/** What changes about a board; fields that are left out stay as they are, null clears. */
export class UpdateBoardDto extends BoardFields {
  /**
   * Name shown to people.
   * @example Website
   */
  @IfGiven()
  @IsLine(200)
  name?: string;

  /**
   * Short unique name.
   * @example website
   */
  @IfGiven()
  @IsSlug()
  slug?: string;
}

/** Which boards to list. */
export class ListBoardsQuery extends PageQuery {
  /**
   * Only boards whose name or slug contains this.
   * @example web
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  search?: string;
}

/** Something to remember for everyone on the board. */
export class AddBoardMemoryDto {
  /**
   * The text.
   * @example "The staging server is rebuilt every night at two."
   */
  @IsLine(20_000)
  content!: string;

  /**
   * Words to find it by.
   * @example ["staging"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(50, { each: true })
  tags?: string[];

  /**
   * Where it comes from.
   * @example "Operations handbook"
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  source?: string | null;
}

/** Which memories to list. */
export class ListBoardMemoryQuery extends PageQuery {
  /**
   * Only memories with this tag.
   * @example staging
   */
  @IsOptional()
  @IsString()
  @MaxLength(50)
  tag?: string;
}
