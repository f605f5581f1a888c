import { IsString, MaxLength } from 'class-validator';

/** A change of the own password. */
export class ChangePasswordDto {
  /** @example seven-otters-hum-at-noon */
  @IsString()
  @MaxLength(512)
  current_password!: string;

  /**
   * 8 to 256 characters, and no common password.
   * @example nine-herons-sleep-till-dawn
   */
  @IsString()
  @MaxLength(512)
  new_password!: string;
}
