import { Body, Get, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Browsers } from '../../platform/auth/browsers.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { answerSignIn, TokensView } from '../auth/auth.view.js';
import { CompleteSetupDto } from './setup.dto.js';
import { SetupService } from './setup.service.js';
import { SetupStatusView } from './setup.view.js';

@ApiController('setup', 'Identity / Setup')
export class SetupController {
  constructor(
    private readonly setup: SetupService,
    private readonly browsers: Browsers,
    private readonly context: RequestContext,
  ) {}

  /** Says whether the installation waits for its first administrator. */
  @Get('status')
  @Operation({ id: 'getSetupStatus', allow: 'public', returns: SetupStatusView, rateLimit: 'setup-status' })
  async status(): Promise<SetupStatusView> {
    return { needs_setup: await this.setup.needsSetup() };
  }

  /** Makes the first administrator and signs in. It takes the setup token, and works exactly once. */
  @Post('complete')
  @Operation({
    id: 'completeSetup',
    allow: 'public',
    returns: TokensView,
    status: 201,
    problems: ['setup_token_invalid', 'setup_done', 'email_taken', 'weak_password', 'csrf_failed'],
    rateLimit: 'setup',
    audited: true,
    idempotency: 'outside',
  })
  async complete(@Body() body: CompleteSetupDto, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<TokensView> {
    this.context.set('sessionKind', this.browsers.sessionKindFor(request, body.session));
    return answerSignIn(this.browsers, response, await this.setup.complete(body));
  }
}
