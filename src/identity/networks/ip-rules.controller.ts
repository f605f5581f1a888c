import { Body, Get, Put } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { UpdateIpRulesDto } from './ip-rules.dto.js';
import { IpRulesService } from './ip-rules.service.js';
import { IpRulesView, toIpRulesView } from './ip-rules.view.js';

@ApiController('security/ip-rules', 'Identity / Security')
export class IpRulesController {
  constructor(
    private readonly rules: IpRulesService,
    private readonly context: RequestContext,
  ) {}

  /** Lists the rules for addresses of the tenant. */
  @Get()
  @Operation({ id: 'getIpRules', allow: 'security:read', returns: IpRulesView })
  async get(): Promise<IpRulesView> {
    return toIpRulesView(await this.rules.get(), this.context.get('ip'));
  }

  /**
   * Replaces the rules for addresses of the tenant. They hold at once, in every process, for people, API keys and agents,
   * and end streams and sockets that are open from an address that is refused. Rules that would refuse the address from
   * which they are sent are taken with `force` alone. An operator who has locked the plane starts it with IP_RULES=off.
   */
  @Put()
  @Operation({ id: 'updateIpRules', allow: 'security:write', returns: IpRulesView, problems: ['fresh_sign_in_required', 'locks_out_author', 'precondition_failed'] })
  async update(@Body() body: UpdateIpRulesDto): Promise<IpRulesView> {
    return toIpRulesView(await this.rules.update(body), this.context.get('ip'));
  }
}
