import { Delete, Get, Param, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { EndSessionsQuery, ListSessionsQuery } from './open-sessions.dto.js';
import { OpenSessionsService } from './open-sessions.service.js';
import { EndedSessionsView, SessionView, toSessionView } from './open-sessions.view.js';

@ApiController('security/sessions', 'Identity / Security')
export class OpenSessionsController {
  constructor(
    private readonly sessions: OpenSessionsService,
    private readonly context: RequestContext,
  ) {}

  /** Lists the sessions of the tenant's users that are open, newest first. */
  @Get()
  @Operation({ id: 'listSessions', allow: 'security:read', returns: pageOf(SessionView) })
  async list(@Query() query: ListSessionsQuery): Promise<Page<SessionView>> {
    return mapPage(await this.sessions.page(query.user_id, query), toSessionView(this.context.actor));
  }

  /** Ends all sessions of a user. Requests, sockets and streams of them stop at once, in every process. */
  @Delete()
  @Operation({ id: 'endSessionsOfUser', allow: 'security:write', returns: EndedSessionsView, problems: ['not_found'] })
  async endAll(@Query() query: EndSessionsQuery): Promise<EndedSessionsView> {
    return { ended: await this.sessions.endAll(query.user_id) };
  }

  /** Ends a session. Requests, sockets and streams of it stop at once, in every process. */
  @Delete(':id')
  @Operation({ id: 'endSession', allow: 'security:write', returns: NO_CONTENT, problems: ['not_found'] })
  async end(@Param('id', Uuid) id: string): Promise<void> {
    await this.sessions.end(id);
  }
}
