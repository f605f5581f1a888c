import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { toDataURL } from 'qrcode';
import type { UserActor } from '../../core/actor.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority, requireFreshSignIn } from '../../platform/auth/fresh-sign-in.js';
import { ownPerson } from '../../platform/auth/own-user.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { OwnPassword } from '../users/own-password.port.js';
import type { DisableMfaDto } from './mfa.dto.js';
import { MfaRepository } from './mfa.repository.js';
import type { MfaSetupView, MfaStatusView } from './mfa.view.js';
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.js';
import { SECOND_FACTOR_AMR } from './second-factors.port.js';
import { SecondFactorsService, secretPlace } from './second-factors.service.js';
import { newSecret, otpauthUrl } from './totp.js';

/** Turning the second factor on and off, and what there is for lost authenticators. */
/** Trying which of PNG's filters packs best would take most of the time, and none packs a QR code better. */
const PICTURE = { errorCorrectionLevel: 'M', rendererOpts: { filterType: 0, deflateStrategy: 0, deflateLevel: 6 } } as const;

@Injectable()
export class MfaService {
  constructor(
    private readonly stored: MfaRepository,
    private readonly factors: SecondFactorsService,
    private readonly cipher: TenantCipher,
    private readonly policies: SecurityPolicies,
    private readonly passwords: OwnPassword,
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
  ) {}

  async status(): Promise<MfaStatusView> {
    const { id, tenantId, role } = ownPerson(this.context);
    const { mfa } = await this.policies.of(tenantId);
    return this.describe(id, mfa.required_roles.includes(role));
  }

  /** A stolen session must not become the account: it takes a fresh sign-in. */
  async setup(): Promise<MfaSetupView> {
    const { id, tenantId, label } = ownPerson(this.context);
    requireFreshSignIn(this.context);
    const secret = newSecret();
    await this.keepPending(id, await this.cipher.seal(secretPlace(tenantId, id), secret));
    const url = otpauthUrl(secret, label);
    return { secret, otpauth_url: url, qr_code: await toDataURL(url, PICTURE) };
  }

  /** The first code turns it on. @returns the recovery codes */
  async verify(code: string): Promise<string[]> {
    const actor = ownPerson(this.context);
    const from = await this.factors.admit(actor.id, 'mfa.enable', 'totp');
    const factor = await this.factors.read(actor.id);
    if (!factor) throw new Problem('mfa_not_enabled');
    if (factor.enabled_at) throw new Problem('mfa_enabled');
    const codes = await this.enable(actor, factor.sealed_secret, await this.factors.stepOf(actor.id, factor, code));
    if (!codes) return this.factors.refuse(actor.id, 'mfa.enable', 'totp', 'wrong_code', new Problem('mfa_code_invalid'));
    await this.factors.clear(actor.id, from);
    return codes;
  }

  @Transactional()
  async renewRecoveryCodes(): Promise<string[]> {
    const { id } = ownPerson(this.context);
    requireFreshSignIn(this.context);
    if (!(await this.stored.lockEnabled(id))) throw new Problem('mfa_not_enabled');
    await this.audit.record({ action: 'mfa.renew_recovery_codes', resource: { type: 'user', id } });
    return this.newCodes(id);
  }

  /** Takes both factors, also from a session. */
  async disable({ password, code, recovery_code }: DisableMfaDto): Promise<void> {
    const actor = ownPerson(this.context);
    if (!(await this.factors.read(actor.id))?.enabled_at) throw new Problem('mfa_not_enabled');
    await this.passwords.check(actor, password, 'mfa.disable');
    await this.factors.prove(actor.id, { code, recovery_code }, 'mfa.disable', () => this.takeAway(actor.id, 'mfa.disable'));
  }

  /** For a person who lost the authenticator and the recovery codes. The next sign-in takes the password alone, or sets up a new factor. */
  @Transactional()
  async reset(userId: string): Promise<void> {
    const { actor } = this.context;
    if (!(await this.stored.lockUser(userId))) throw notFound('user');
    // ADMIN_TOKEN is the way back in when the last administrator loses the device.
    requireFreshAuthority(this.context);
    if (actor.id === userId) throw new Problem('forbidden', { detail: 'One\'s own second factor is turned off with the password and a code.' });
    await this.takeAway(userId, 'mfa.reset');
    await this.sessions.endAll(userId, 'mfa_reset');
  }

  @Transactional()
  protected async describe(id: string, required: boolean): Promise<MfaStatusView> {
    const enabledAt = (await this.stored.find(id))?.enabled_at ?? null;
    return { enabled: enabledAt !== null, enabled_at: enabledAt?.toISOString() ?? null, recovery_codes_left: await this.stored.codesLeft(id), required };
  }

  @Transactional()
  protected async keepPending(id: string, sealedSecret: Buffer): Promise<void> {
    if (!(await this.stored.keepPending(id, sealedSecret))) throw new Problem('mfa_enabled');
    await this.audit.record({ action: 'mfa.setup', resource: { type: 'user', id } });
  }

  /** Sessions that were opened without it end; this one has shown it just now. */
  @Transactional()
  protected async enable({ id, sessionId }: UserActor, sealedSecret: Buffer, step: number): Promise<string[] | undefined> {
    await this.stored.lockUser(id);
    if (step < 0 || !(await this.stored.enable(id, sealedSecret, step))) return undefined;
    const ended = await this.sessions.endAll(id, 'mfa_enabled', sessionId);
    await this.sessions.authenticatedAgain(id, sessionId, SECOND_FACTOR_AMR);
    await this.audit.record({ action: 'mfa.enable', resource: { type: 'user', id }, detail: { sessions_ended: ended } });
    this.revocations.afterCommit(`user:${id}`);
    return this.newCodes(id);
  }

  private async takeAway(id: string, action: string): Promise<void> {
    if (!(await this.stored.remove(id))) throw new Problem('mfa_not_enabled');
    await this.sessions.forgetFactor(id);
    await this.audit.record({ action, resource: { type: 'user', id } });
    this.revocations.afterCommit(`user:${id}`);
  }

  private async newCodes(id: string): Promise<string[]> {
    const codes = newRecoveryCodes();
    await this.stored.replaceCodes(
      id,
      codes.map((code) => hashRecoveryCode(id, code)),
    );
    return codes;
  }
}
