import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsIpRange } from '../../platform/http/is-ip-range.js';
import { IP_RULE_ACTIONS, type IpRuleAction } from './ip-rule.js';

/** One rule. */
export class IpRuleDto {
  /**
   * A blocked address is refused whatever allows it. Where something is allowed, all else is refused.
   * @example allow
   */
  @IsIn(IP_RULE_ACTIONS)
  action!: IpRuleAction;

  /**
   * An IPv4 or IPv6 address, or a CIDR range.
   * @example 10.20.0.0/16
   */
  @IsString()
  @MaxLength(50)
  @IsIpRange()
  cidr!: string;

  /** @example "Office" */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  description?: string | null;
}

/** All rules of the tenant; none lets every address in. */
export class UpdateIpRulesDto {
  /** @example [{ "action": "allow", "cidr": "10.20.0.0/16", "description": "Office" }] */
  @IsArray()
  @ArrayMaxSize(500)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => IpRuleDto)
  rules!: IpRuleDto[];

  /**
   * Takes rules that refuse the address from which they are sent.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  force?: boolean;
}
