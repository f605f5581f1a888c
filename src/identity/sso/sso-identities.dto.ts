import { IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { PageQuery } from '../../platform/http/page.dto.js';

/** Says whom a subject of a provider is. */
export class CreateSsoIdentityDto {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  @IsUUID()
  user_id!: string;

  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  @IsUUID()
  provider_id!: string;

  /**
   * The `sub` claim of the person, exactly.
   * @example 248289761001
   */
  @IsString()
  @Length(1, 255)
  subject!: string;
}

/** Which identities to list. */
export class ListSsoIdentitiesQuery extends PageQuery {
  /**
   * Only those of this user.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsOptional()
  @IsUUID()
  user_id?: string;
}
