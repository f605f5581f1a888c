import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshSignIn } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { DEFAULT_GENERATOR, generateValue } from './generate-value.js';
import { type NewVersion, SecretValues } from './secret-values.service.js';
import type { SecretVersion } from './secret-version.entity.js';
import { originOf, SecretVersionsRepository } from './secret-versions.repository.js';
import type { Generator, Secret } from './secret.entity.js';
import type { RotateSecretDto } from './secret-values.dto.js';
import type { CreateSecretDto, ExpiringSecretsQuery, ListSecretsQuery, RotationDto, UpdateSecretDto } from './secrets.dto.js';
import { COUNTED_SECRETS, type SecretPatch, SecretsRepository } from './secrets.repository.js';
import { toSecretView } from './secrets.view.js';

interface NewValue extends NewVersion {
  graceSeconds: number;
}

/** Secrets and their versions: everything but reading a value. */
@Injectable()
export class SecretsService {
  constructor(
    private readonly context: RequestContext,
    private readonly secrets: SecretsRepository,
    private readonly versions: SecretVersionsRepository,
    private readonly values: SecretValues,
    private readonly audit: AuditPort,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('secrets', COUNTED_SECRETS);
  }

  @Transactional()
  list({ category, ...page }: ListSecretsQuery): Promise<Page<Secret>> {
    return this.secrets.page(this.context.tenantId, category, page);
  }

  @Transactional()
  expiring({ days, ...page }: ExpiringSecretsQuery): Promise<Page<Secret>> {
    return this.secrets.expiring(this.context.tenantId, days, page);
  }

  @Transactional()
  async get(id: string): Promise<Secret> {
    return (await this.secrets.find(this.context.tenantId, id)) ?? absent();
  }

  /** @throws Problem `name_taken`, `plan_limit_reached`, `fresh_sign_in_required` */
  @Transactional()
  async create({ name, value, ...fields }: CreateSecretDto): Promise<Secret> {
    const { actor, tenantId } = this.context;
    await this.plans.admit('secrets');
    const id = newId();
    const row = { category: null, description: null, expires_at: null, rotate_every_days: null, grace_seconds: 0, generator: null, outbound_origins: [], ...patchOf(fields) };
    if (row.outbound_origins.length > 0) requireFreshSignIn(this.context);
    await unlessTaken(this.secrets.insert({ ...row, tenant_id: tenantId, id, name, version: 1, created_by_kind: actor.kind, created_by_id: actor.id }));
    await this.values.add(id, 1, { value, origin: 'given' });
    const secret = await this.get(id);
    await this.audit.record({ action: 'secret.create', resource: { type: 'secret', id }, after: summaryOf(secret) });
    return secret;
  }

  /** @throws Problem `name_taken`, `precondition_failed`, `fresh_sign_in_required` */
  @Transactional()
  async update(id: string, { name, value, ...fields }: UpdateSecretDto): Promise<Secret> {
    const before = await this.lock(id);
    const patch: SecretPatch = { ...patchOf(fields), ...(name === undefined ? {} : { name }) };
    // Who says where a value may be sent can have it sent to themselves: that is as much as seeing it.
    if (patch.outbound_origins?.some((origin) => !before.outbound_origins.includes(origin))) requireFreshSignIn(this.context);
    const graceSeconds = patch.grace_seconds ?? before.grace_seconds;
    return this.change('secret.update', before, patch, value === undefined ? undefined : { value, origin: 'given', graceSeconds });
  }

  @Transactional()
  async delete(id: string): Promise<void> {
    const secret = await this.lock(id);
    await this.secrets.delete(secret.tenant_id, id);
    await this.audit.record({ action: 'secret.delete', resource: { type: 'secret', id }, before: summaryOf(secret) });
  }

  /** Puts a new value in the place of the current one, which works on for the grace time. */
  @Transactional()
  async rotate(id: string, { value, generate, grace_seconds, expires_at }: RotateSecretDto): Promise<Secret> {
    if (value !== undefined && generate) throw invalidField('generate', 'isOnlyField', 'may not be given together with value');
    const before = await this.lock(id);
    const made = value ?? generateValue(generate ?? before.generator ?? DEFAULT_GENERATOR);
    const patch = expires_at === undefined ? {} : patchOf({ expires_at });
    return this.change('secret.rotate', before, patch, { value: made, origin: value === undefined ? 'generated' : 'given', graceSeconds: grace_seconds ?? before.grace_seconds });
  }

  /** For the clock: rotates a secret if it is still due. */
  @Transactional()
  async rotateIfDue(id: string): Promise<boolean> {
    const before = await this.secrets.lock(this.context.tenantId, id);
    if (!before || !(await this.secrets.isDue(before.tenant_id, id))) return false;
    await this.change('secret.rotate', before, {}, { value: generateValue(before.generator ?? DEFAULT_GENERATOR), origin: 'generated', graceSeconds: before.grace_seconds });
    return true;
  }

  /** For the clock: tries a secret again later whose rotation failed, so that it holds back no other. @returns whether it has just begun to fail */
  @Transactional()
  async putOff(id: string, error: string): Promise<boolean> {
    return (await this.secrets.putOff(this.context.tenantId, id, error)) === 1;
  }

  @Transactional()
  due(): Promise<string[]> {
    return this.secrets.due(this.context.tenantId);
  }

  /**
   * Makes an earlier value the current one again, as a new version that knows where it has it from. The one that was current stops working at once.
   * @throws Problem `current_version`, `version_destroyed`, `not_found`
   */
  @Transactional()
  async rollBack(id: string, version: number): Promise<Secret> {
    const before = await this.lock(id);
    if (version === before.version) throw new Problem('current_version');
    const value = await this.values.open(before, version, false);
    const copyOf = await this.originOf(before, version);
    return this.change('secret.rollback', before, {}, { value, origin: 'rolled_back', copyOf, graceSeconds: 0 }, { from_version: version });
  }

  /**
   * Destroys the value of an earlier version, wherever it is: also in versions that were rolled back to it.
   * @throws Problem `current_version` also when the current one has that value, `version_destroyed`, `not_found`
   */
  @Transactional()
  async destroyVersion(id: string, version: number): Promise<Secret> {
    const secret = await this.lock(id);
    if (version === secret.version) throw new Problem('current_version');
    const origin = await this.originOf(secret, version);
    if (origin === (await this.originOf(secret, secret.version))) {
      throw new Problem('current_version', { detail: `Version ${secret.version}, the current one, has the value of version ${version}.`, current: secret.version });
    }
    const destroyed = await this.versions.destroy(secret.tenant_id, id, origin);
    if (destroyed.length === 0) throw new Problem('version_destroyed');
    await this.secrets.update(secret.tenant_id, id, {}, false);
    await this.audit.record({ action: 'secret.version.destroy', resource: { type: 'secret', id }, detail: { name: secret.name, version, destroyed } });
    return this.get(id);
  }

  /** The version that had the value of this one first. */
  private async originOf({ tenant_id, id }: Secret, version: number): Promise<number> {
    const row = await this.versions.find(tenant_id, id, version);
    if (!row) throw notFound('version');
    return originOf(row);
  }

  @Transactional()
  async versionsOf(id: string, page: PageRequest): Promise<Page<SecretVersion>> {
    const { tenant_id } = await this.get(id);
    return this.versions.page(tenant_id, id, page);
  }

  private async lock(id: string): Promise<Secret> {
    const secret = (await this.secrets.lock(this.context.tenantId, id)) ?? absent();
    checkIfMatch(this.context.get('ifMatch'), secret);
    return secret;
  }

  private async change(action: string, before: Secret, patch: SecretPatch, next: NewValue | undefined, detail: object = {}): Promise<Secret> {
    const { tenant_id, id, version } = before;
    if (next) {
      await this.values.add(id, version + 1, next);
      await this.versions.supersede(tenant_id, id, version, next.graceSeconds);
    }
    await unlessTaken(this.secrets.update(tenant_id, id, next ? { ...patch, version: version + 1 } : patch, next !== undefined));
    const after = await this.get(id);
    await this.audit.record({
      action,
      resource: { type: 'secret', id },
      ...changesBetween(summaryOf(before), summaryOf(after)),
      detail: { name: after.name, ...(next ? { version: after.version, origin: next.origin, grace_seconds: next.graceSeconds } : {}), ...detail },
    });
    return after;
  }
}

/** What the audit log keeps of a secret: never a value. */
function summaryOf(secret: Secret): Record<string, unknown> {
  const { value: _value, ...rest } = toSecretView(secret);
  return rest;
}

function patchOf(fields: { category?: string | null; description?: string | null; expires_at?: string | null; rotation?: RotationDto | null; grace_seconds?: number; outbound_origins?: string[] }): SecretPatch {
  const { category, description, expires_at, rotation, grace_seconds, outbound_origins } = fields;
  return {
    ...(category === undefined ? {} : { category }),
    ...(description === undefined ? {} : { description }),
    ...(expires_at === undefined ? {} : { expires_at: expires_at === null ? null : new Date(expires_at) }),
    ...(grace_seconds === undefined ? {} : { grace_seconds }),
    ...(outbound_origins === undefined ? {} : { outbound_origins }),
    ...(rotation === undefined ? {} : { rotate_every_days: rotation?.every_days ?? null, generator: rotation ? generatorOf(rotation) : null }),
  };
}

const generatorOf = ({ generate }: RotationDto): Generator => (generate ? { length: generate.length, charset: generate.charset } : DEFAULT_GENERATOR);

async function unlessTaken(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (brokenConstraint(error) === 'secrets_name') throw new Problem('name_taken');
    throw error;
  }
}

function absent(): never {
  throw notFound('secret');
}
