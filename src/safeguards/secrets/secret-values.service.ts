import { Injectable } from '@nestjs/common';
import { newId } from '../../core/ids.js';
import { notFound, Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import type { VersionOrigin } from './secret-version.entity.js';
import { SecretVersionsRepository } from './secret-versions.repository.js';
import type { Secret } from './secret.entity.js';

export interface NewVersion {
  value: string;
  origin: VersionOrigin;
  /** The version that had this value first, if one had. */
  copyOf?: number;
}

/** Seals and opens the values of secrets, in the caller's transaction. */
@Injectable()
export class SecretValues {
  constructor(
    private readonly context: RequestContext,
    private readonly versions: SecretVersionsRepository,
    private readonly cipher: TenantCipher,
  ) {}

  async add(secretId: string, version: number, { value, origin, copyOf }: NewVersion): Promise<void> {
    const { actor, tenantId } = this.context;
    const sealed = await this.cipher.seal(placeOf(tenantId, secretId, version), value);
    await this.versions.insert({ tenant_id: tenantId, id: newId(), secret_id: secretId, version, sealed, origin, copy_of: copyOf ?? null, created_by_kind: actor.kind, created_by_id: actor.id });
  }

  /**
   * Opens one version.
   * @param working whether it must be the current one or within its grace time
   * @throws Problem `not_found`, `version_destroyed`, `version_retired`
   */
  async open(secret: Secret, version: number, working: boolean): Promise<string> {
    const row = await this.versions.find(secret.tenant_id, secret.id, version);
    if (!row) throw notFound('version');
    if (!row.sealed) throw new Problem('version_destroyed');
    if (working && !row.works) throw new Problem('version_retired', { current: secret.version });
    return this.cipher.open(placeOf(secret.tenant_id, secret.id, version), row.sealed);
  }
}

const placeOf = (tenantId: string, secretId: string, version: number) => ({ tenantId, row: `secret_versions/${secretId}/${version}` });
