import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { UserActor } from '../../core/actor.js';
import { newId } from '../../core/ids.js';
import { isAllowed } from '../../core/permissions.js';
import { notFound, Problem } from '../../core/problem.js';
import { SecurityPolicies } from '../../identity/access-policy/security-policies.reader.js';
import { SecondFactors } from '../../identity/mfa/second-factors.port.js';
import { UserSessions } from '../../identity/sessions/user-sessions.port.js';
import { UserAccounts } from '../../identity/users/user-accounts.port.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { ownUserId } from '../../platform/auth/own-user.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, isWellFormedToken, newToken } from '../../platform/crypto/tokens.js';
import { ApprovalDecisions, checkDecider } from './approval-decisions.service.js';
import { absent, alreadyDecided } from './approval-facts.js';
import type { ApprovalLink, NewApprovalLink } from './approval-link.entity.js';
import { ApprovalLinksRepository } from './approval-links.repository.js';
import { ApprovalSeals } from './approval-seals.js';
import type { Approval } from './approval.entity.js';
import { ApprovalsRepository } from './approvals.repository.js';

const PREFIX = 'whl_';

/** A token that decides, to be shown once. */
export interface MadeLink {
  decision: ApprovalLink['decision'];
  token: string;
  expires_at: Date;
}

/** Links that decide: each for one person, one approval and one decision, once, and for a while. */
@Injectable()
export class ApprovalLinks {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalLinksRepository,
    private readonly approvals: ApprovalsRepository,
    private readonly decisions: ApprovalDecisions,
    private readonly seals: ApprovalSeals,
    private readonly users: UserAccounts,
    private readonly sessions: UserSessions,
    private readonly factors: SecondFactors,
    private readonly policies: SecurityPolicies,
    private readonly networks: NetworkRules,
    private readonly audit: AuditPort,
  ) {}

  /**
   * A pair of links for the caller, and for nobody else: whoever could make one for another could decide in their name.
   * @throws Problem `forbidden`, and why the caller could not decide themselves
   */
  @Transactional()
  async make(approvalId: string, seconds: number): Promise<MadeLink[]> {
    const { tenantId, actor } = this.context;
    const userId = ownUserId(this.context);
    const approval = (await this.approvals.find(tenantId, approvalId)) ?? absent();
    if (approval.status !== 'pending') throw alreadyDecided(approval.status);
    checkDecider(approval, actor);
    const expiresAt = new Date((await this.approvals.now()).getTime() + seconds * 1000);
    const mfa = actor.kind === 'user' && actor.mfa;
    const made: MadeLink[] = [];
    for (const decision of ['approved', 'rejected'] as const) {
      const { token, hash } = newToken(PREFIX);
      const row = { tenant_id: tenantId, id: newId(), approval_id: approvalId, user_id: userId, decision, token_hash: hash, mfa, expires_at: expiresAt };
      await this.repository.insert({ ...row, seal: await this.seals.seal({ tenant_id: tenantId, id: approvalId }, 'link', sealedOf(row)) });
      made.push({ decision, token, expires_at: expiresAt });
    }
    await this.audit.record({ action: 'approval.link', resource: { type: 'approval', id: approvalId }, detail: { user_id: userId, expires_at: expiresAt } });
    return made;
  }

  /** What a link is about, for the page that asks whether it is meant. Nothing is decided, however often it is looked at. */
  look(token: string): Promise<{ link: ApprovalLink; approval: Approval }> {
    return this.as(token, (id) => this.read(id));
  }

  /**
   * Decides as the link says.
   * @throws Problem `not_found`, `link_used`, and why its person could not decide themselves
   */
  use(token: string): Promise<Approval> {
    return this.as(token, (id) => this.decide(id));
  }

  /** Runs `work` as the person of the link, as far as they may do anything now. */
  private async as<T>(token: string, work: (id: string) => Promise<T>): Promise<T> {
    const found = isWellFormedToken(token, PREFIX) ? await this.repository.byHash(hashToken(token)) : undefined;
    if (!found) throw notFound('link');
    if (found.tenant_status === 'suspended') throw new Problem('tenant_suspended');
    if (!(await this.networks.admits(found.tenant_id, this.context.get('ip')))) throw new Problem('address_not_allowed');
    const part = { tenantId: found.tenant_id, ip: this.context.get('ip') };
    const actor = await this.context.within(part, () => this.actorOf(found));
    return this.context.within({ ...part, actor }, () => work(found.id));
  }

  /**
   * The person as they are now. Where a second factor is asked of them, only a link counts that they made in a session with one:
   * a mailbox is no second factor.
   */
  @Transactional()
  protected async actorOf({ tenant_id: tenantId, id, user_id: userId }: { tenant_id: string; id: string; user_id: string }): Promise<UserActor> {
    const [link, { email, role, is_active: isActive }] = [await this.repository.find(tenantId, id), await this.users.get(userId)];
    if (!link) throw notFound('link');
    if (!(await this.seals.holds({ tenant_id: tenantId, id: link.approval_id }, 'link', sealedOf(link), link.seal))) throw new Problem('approval_broken');
    if (!isActive) throw new Problem('account_disabled');
    // Whoever was in the account then may have made it, and has had to go.
    if (await this.sessions.distrustedSince(userId, link.created_at)) throw new Problem('link_used', { detail: 'The password was changed, or a session was ended, since this link was made.' });
    const { mfa } = await this.policies.of(tenantId);
    const asksFactor = mfa.required_roles.includes(role) || (await this.factors.isOn(userId));
    if (asksFactor && !link.mfa) throw new Problem('second_factor_missing', { detail: 'This account is asked for a second factor, which this link does not stand for.', remedy: 'Sign in and decide there.' });
    const actor: UserActor = { kind: 'user', id: userId, tenantId, role, sessionId: link.id, authenticatedAt: new Date(0), mfa: link.mfa, label: email };
    if (!isAllowed(actor, 'approval:decide')) throw new Problem('forbidden');
    return actor;
  }

  @Transactional()
  protected async read(id: string): Promise<{ link: ApprovalLink; approval: Approval }> {
    const { tenantId } = this.context;
    const link = (await this.repository.find(tenantId, id)) ?? absent();
    if (link.used_at || link.expires_at <= (await this.approvals.now())) throw new Problem('link_used');
    const approval = (await this.approvals.find(tenantId, link.approval_id)) ?? absent();
    if (approval.status !== 'pending') throw alreadyDecided(approval.status);
    return { link, approval };
  }

  @Transactional()
  protected async decide(id: string): Promise<Approval> {
    const { tenantId } = this.context;
    const link = (await this.repository.find(tenantId, id)) ?? absent();
    if (!(await this.repository.use(tenantId, id))) throw new Problem('link_used');
    return this.decisions.decide(link.approval_id, link.decision, undefined, 'link');
  }
}

const sealedOf = ({ id, user_id, decision, token_hash, mfa, expires_at }: Omit<NewApprovalLink, 'seal'>): object => ({ id, user_id, decision, token_hash: token_hash.toString('hex'), mfa, expires_at: expires_at.toISOString() });
