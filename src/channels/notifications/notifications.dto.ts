import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, Equals, IsArray, IsBoolean, IsOptional, IsUUID, ValidateIf } from 'class-validator';
import { IsOnlyField } from '../../platform/http/is-only-field.js';
import { PageQuery } from '../../platform/http/page.dto.js';

/** Which notices to list. */
export class ListNotificationsQuery extends PageQuery {
  /**
   * Only what has not been read.
   * @example true
   */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  unread_only?: boolean;
}

/** Which notices have been read: ids, or all. */
export class ReadNotificationsDto {
  /**
   * Ids of own notices; those that are nobody's, or another's, are passed over.
   * @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"]
   */
  @ValidateIf(({ all }: ReadNotificationsDto) => all === undefined)
  @IsOnlyField()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(1000)
  @IsUUID(undefined, { each: true })
  ids?: string[];

  /**
   * Every notice that is there now.
   * @example true
   */
  @ValidateIf(({ all }: ReadNotificationsDto) => all !== undefined)
  @IsOnlyField()
  @Equals(true)
  @IsBoolean()
  all?: boolean;
}
