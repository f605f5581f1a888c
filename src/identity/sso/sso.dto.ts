import { IsIn, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { SESSION_KINDS, type SessionKind } from '../../platform/auth/browsers.js';
import { IfGiven } from '../../platform/http/if-given.js';

/** How a sign-in begins. */
export class StartSsoQuery {
  /**
   * Where the browser goes in the end, with `#sso_code=` or `#sso_error=` behind: a path of this installation, or an address
   * at its PUBLIC_URL or one of its CORS_ORIGINS. Left out: `/`.
   * @example /app
   */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  return_to?: string;
}

/** Where a browser goes after linking. */
export class LinkSsoDto {
  /**
   * As for a sign-in.
   * @example /app/profile
   */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  return_to?: string;
}

/** Which tenant's providers. */
export class OfferedProvidersQuery {
  /**
   * The tenant, by id or slug.
   * @example default
   */
  @IsString()
  @Length(1, 64)
  tenant!: string;
}

/** A code to trade for tokens. */
export class ExchangeSsoCodeDto {
  /**
   * The code that the sign-in ended with. It works once, for a minute, in the browser that began.
   * @example who_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oX
   */
  @IsString()
  @MaxLength(256)
  code!: string;

  /**
   * bearer: the answer shows the tokens. cookie, for a page in a browser: the answer sets the cookie that holds the session.
   * @example bearer
   */
  @IfGiven()
  @IsIn(SESSION_KINDS)
  session?: SessionKind;
}

/** Where a browser goes after it has signed out of the provider. */
export class LogoutSsoDto {
  /**
   * An address that is registered with the provider for this, at this installation or one of its CORS_ORIGINS.
   * @example /
   */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  return_to?: string;
}
