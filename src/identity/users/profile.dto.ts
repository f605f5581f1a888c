import { IsString, MaxLength } from 'class-validator';

/** A change of the own password. */
export class ChangePasswordDto {
  /** @example seven-otters-hum-at-noon */
  @IsString()
  @MaxLength(512)
  current_password!: string;

  /**
   * At least as long as the password policy asks (8 characters when it asks for nothing), 256 at most, and no common password.
   * @example nine-herons-sleep-till-dawn
   */
  @IsString()
  @MaxLength(512)
  new_password!: string;
}
