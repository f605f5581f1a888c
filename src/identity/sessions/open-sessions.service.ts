import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { ownUserId } from '../../platform/auth/own-user.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { type OpenSession, OpenSessionsRepository } from './open-sessions.repository.js';
import { type EndReason, UserSessions } from './user-sessions.port.js';

/** Shows open sessions, and ends them: to administrators those of the tenant, to everyone the own. */
@Injectable()
export class OpenSessionsService {
  constructor(
    private readonly open: OpenSessionsRepository,
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  page(userId: string | undefined, request: PageRequest): Promise<Page<OpenSession>> {
    return this.open.page(userId, request);
  }

  @Transactional()
  ownPage(request: PageRequest): Promise<Page<OpenSession>> {
    return this.open.page(ownUserId(this.context), request);
  }

  @Transactional()
  async end(id: string): Promise<void> {
    await this.endOf(await this.open.ownerOf(id), id, 'ended_by_admin');
  }

  @Transactional()
  async endOwn(id: string): Promise<void> {
    const self = ownUserId(this.context);
    const owner = await this.open.ownerOf(id);
    await this.endOf(owner === self ? owner : undefined, id, 'ended_by_user');
  }

  /** @returns how many were open */
  @Transactional()
  async endAll(userId: string): Promise<number> {
    if (!(await this.open.hasUser(userId))) throw notFound('user');
    const ended = await this.sessions.endAll(userId, 'ended_by_admin');
    await this.audit.record({ action: 'session.end_all', resource: { type: 'user', id: userId }, detail: { sessions_ended: ended } });
    return ended;
  }

  private async endOf(owner: string | undefined, id: string, reason: EndReason): Promise<void> {
    if (owner === undefined || !(await this.sessions.end(owner, id, reason))) throw notFound('session');
    await this.audit.record({ action: 'session.end', resource: { type: 'session', id }, detail: { reason, user_id: owner } });
  }
}
