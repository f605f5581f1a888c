import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsObject, IsOptional, IsString, Length, Matches, MaxLength, ValidateNested } from 'class-validator';
import { type Role, ROLES } from '../../core/actor.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsLine } from '../../platform/http/is-line.js';
import { LOOPBACK_HOST } from '../../platform/networks/loopback.js';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from './sso-provider.entity.js';

/** https, or http on this machine: everywhere else the keys and tokens would be anybody's on the way. */
const ISSUER = new RegExp(String.raw`^(https:\/\/[^\s?#@]+|http:\/\/${LOOPBACK_HOST}(:\d+)?(\/[^\s?#@]*)?)$`);
const DOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** A role for those in a group. */
export class RoleMappingDto {
  /**
   * The group, as the provider names it.
   * @example platform-admins
   */
  @IsString()
  @Length(1, 200)
  group!: string;

  /**
   * The role here.
   * @example admin
   */
  @IsIn(ROLES)
  role!: Role;
}

/** What a provider may have, and a change may set. */
class SsoProviderFields {
  /**
   * The secret of the client; null for a public client, as is a new one that has none. It is kept sealed and never shown.
   * @example correct-horse-battery-staple
   */
  @IsOptional()
  @IsString()
  @Length(1, 1024)
  client_secret?: string | null;

  /**
   * Scopes to ask for; `openid` is always among them.
   * @example ["openid", "email", "profile"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  @Matches(SCOPE, { each: true })
  scopes?: string[];

  /**
   * The one algorithm that the provider's ID tokens are signed with.
   * @example RS256
   */
  @IfGiven()
  @IsIn(SIGNING_ALGORITHMS)
  signing_algorithm?: SigningAlgorithm;

  /**
   * Whether people can sign in with it. False refuses sign-ins with it from the next request on, those under way among them;
   * bearer tokens of OIDC_ISSUER are another matter.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  is_active?: boolean;

  /**
   * Whether who is not known yet gets an account at the first sign-in. Takes `allowed_domains`, and an address that the
   * provider has verified.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  create_users?: boolean;

  /**
   * Domains of e-mail addresses that may sign in with it; empty for all. Subdomains are others.
   * @example ["example.com"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(253, { each: true })
  @Matches(DOMAIN, { each: true, message: 'each domain must be a name in lower case, such as example.com' })
  allowed_domains?: string[];

  /**
   * The claim that lists a person's groups. With it the role is set anew at each sign-in; null leaves roles alone.
   * @example groups
   */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  group_claim?: string | null;

  /**
   * Which groups have which role. Who is in several has the one that may do most.
   * @example [{"group": "platform-admins", "role": "admin"}]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => RoleMappingDto)
  role_mappings?: RoleMappingDto[];

  /**
   * The role of those who are in no mapped group, and of new people without groups; null refuses them.
   * @example user
   */
  @IsOptional()
  @IsIn(ROLES)
  default_role?: Role | null;
}

/** A new provider. */
export class CreateSsoProviderDto extends SsoProviderFields {
  /**
   * What people see on the button.
   * @example "Example Corp"
   */
  @IsLine(100)
  name!: string;

  /**
   * The issuer, exactly as the provider writes it. Its metadata is read from `/.well-known/openid-configuration` below it.
   * @example https://login.example.com
   */
  @IsString()
  @MaxLength(512)
  @Matches(ISSUER, { message: 'issuer must be an https address without a query' })
  issuer!: string;

  /**
   * What the provider calls this installation.
   * @example wheelhouse
   */
  @IsString()
  @Length(1, 256)
  client_id!: string;
}

/** A change of a provider. What is left out stays. */
export class UpdateSsoProviderDto extends SsoProviderFields {
  /** @example "Example Corp" */
  @IfGiven()
  @IsLine(100)
  name?: string;

  /** @example wheelhouse */
  @IfGiven()
  @IsString()
  @Length(1, 256)
  client_id?: string;
}
