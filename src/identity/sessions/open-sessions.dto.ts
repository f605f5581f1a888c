import { IsOptional, IsUUID } from 'class-validator';
import { PageQuery } from '../../platform/http/page.dto.js';

/** Which sessions to list. */
export class ListSessionsQuery extends PageQuery {
  /**
   * Only those of this user.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsOptional()
  @IsUUID()
  user_id?: string;
}

/** Whose sessions to end. */
export class EndSessionsQuery {
  /**
   * All sessions of this user are ended.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsUUID()
  user_id!: string;
}
