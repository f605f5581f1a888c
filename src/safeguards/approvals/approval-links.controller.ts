import { Get, Header, Param, Post } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { confirmationPage, decidedPage } from './approval-link-page.js';
import { ApprovalLinks } from './approval-links.service.js';

const Token = (): MethodDecorator => ApiParam({ name: 'token', description: 'Token of the link.', schema: { type: 'string', maxLength: 100 }, example: 'whl_0123456789abcdefghijklmnopqrstuvwxyz012' });
const REFUSALS = ['not_found', 'link_used', 'approval_decided', 'tenant_suspended', 'account_disabled', 'second_factor_missing', 'address_not_allowed', 'forbidden', 'approval_broken'] as const;

@ApiController('approval-links', 'Safeguards / Approvals')
export class ApprovalLinksController {
  constructor(private readonly links: ApprovalLinks) {}

  /** Asks whether a link's decision is meant. A page for people; looking at it decides nothing. */
  @Get(':token')
  @Token()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Operation({ id: 'showApprovalLink', allow: 'public', returns: { text: 'text/html' }, rateLimit: 'approval-link', problems: REFUSALS })
  async show(@Param('token') token: string): Promise<string> {
    const { link, approval } = await this.links.look(token);
    return confirmationPage(link, approval);
  }

  /** Decides as the link says, once. A page for people answers. */
  @Post(':token')
  @Token()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Operation({ id: 'useApprovalLink', allow: 'public', audited: true, returns: { text: 'text/html' }, rateLimit: 'approval-link', idempotency: 'none', problems: [...REFUSALS, 'self_approval', 'not_approver', 'approval_voted'] })
  async use(@Param('token') token: string): Promise<string> {
    return decidedPage(await this.links.use(token));
  }
}
