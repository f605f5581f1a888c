import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { type Role, ROLES } from '../../core/actor.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsEmailAddress } from '../../platform/http/is-email-address.js';
import { IsLine } from '../../platform/http/is-line.js';
import { PageQuery } from '../../platform/http/page.dto.js';

/** A new user. */
export class CreateUserDto {
  /**
   * The address to sign in with. One address is one account in the whole installation.
   * @example ada@example.com
   */
  @IsEmailAddress()
  email!: string;

  /**
   * At least as long as the password policy asks (8 characters when it asks for nothing), 256 at most, and no common password.
   * @example seven-otters-hum-at-noon
   */
  @IsString()
  @MaxLength(512)
  password!: string;

  /** @example "Ada Lovelace" */
  @IsLine(200)
  full_name!: string;

  /**
   * What the person may do.
   * @example user
   */
  @IsOptional()
  @IsIn(ROLES)
  role?: Role;

  /**
   * The tenant to make the user in, by id or slug. For administrators of the operator tenant; left out, the own tenant.
   * @example default
   */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  tenant_id?: string;
}

/** A change of a user by an administrator. What is left out stays. */
export class UpdateUserDto {
  /** @example "Ada Lovelace" */
  @IfGiven()
  @IsLine(200)
  full_name?: string;

  /**
   * What the person may do, from the next request on.
   * @example admin
   */
  @IfGiven()
  @IsIn(ROLES)
  role?: Role;

  /**
   * False ends the person's sessions and stops the person's API keys at once.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  is_active?: boolean;
}

/** A change of the own profile. */
export class UpdateProfileDto {
  /** @example "Ada Lovelace" */
  @IsLine(200)
  full_name!: string;
}

/** Which users to list. */
export class ListUsersQuery extends PageQuery {
  /**
   * Only users with this role.
   * @example admin
   */
  @IsOptional()
  @IsIn(ROLES)
  role?: Role;

  /**
   * Only active users, or only disabled ones.
   * @example true
   */
  @IsOptional()
  @Transform(({ value }): unknown => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  is_active?: boolean;

  /**
   * Only the user with this address.
   * @example ada@example.com
   */
  @IsOptional()
  @IsEmailAddress()
  email?: string;
}
