import { Delete, Get, Param, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { OpenSessionsService } from './open-sessions.service.js';
import { SessionView, toSessionView } from './open-sessions.view.js';

@ApiController('auth/sessions', 'Identity / Sign-in')
export class OwnSessionsController {
  constructor(
    private readonly sessions: OpenSessionsService,
    private readonly context: RequestContext,
  ) {}

  /** Lists the own sessions that are open, newest first. For an API key they are its owner's. */
  @Get()
  @Operation({ id: 'listOwnSessions', allow: 'profile:read', returns: pageOf(SessionView) })
  async list(@Query() query: PageQuery): Promise<Page<SessionView>> {
    return mapPage(await this.sessions.ownPage(query), toSessionView(this.context.actor));
  }

  /** Ends one of the own sessions, on whatever device it is open. */
  @Delete(':id')
  @Operation({ id: 'endOwnSession', allow: 'profile:write', returns: NO_CONTENT, problems: ['not_found'] })
  async end(@Param('id', Uuid) id: string): Promise<void> {
    await this.sessions.endOwn(id);
  }
}
