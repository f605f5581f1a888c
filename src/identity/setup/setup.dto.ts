import { Transform } from 'class-transformer';
import { IsEmail, IsString, Matches, MaxLength } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { normalEmail } from '../../core/email.js';

/** The first administrator of an installation. */
export class CompleteSetupDto {
  /**
   * The token that was printed at the last start, or SETUP_TOKEN.
   * @example whs_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  @IsString()
  @MaxLength(512)
  setup_token!: string;

  /** @example ada@example.com */
  @Transform(({ value }) => normalEmail(value))
  @IsEmail()
  @MaxLength(254)
  email!: string;

  /**
   * 8 to 256 characters, and no common password.
   * @example seven-otters-hum-at-noon
   */
  @IsString()
  @MaxLength(512)
  password!: string;

  /** @example "Ada Lovelace" */
  @IsString()
  @MaxLength(200)
  @Matches(/\S/, { message: 'full_name must not be blank' })
  full_name!: string;

  /**
   * Name of the operator's tenant.
   * @example "Analytical Engines"
   */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  @Matches(/\S/, { message: 'organization must not be blank' })
  organization?: string;
}
