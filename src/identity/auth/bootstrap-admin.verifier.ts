import { timingSafeEqual } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { BOOTSTRAP_ADMIN_ID, type BootstrapActor } from '../../core/actor.js';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import type { Credential } from '../../platform/auth/credentials.js';
import { Config } from '../../platform/config/config.js';
import { hashToken } from '../../platform/crypto/tokens.js';

const BOOTSTRAP_ADMIN: BootstrapActor = {
  kind: 'bootstrap',
  id: BOOTSTRAP_ADMIN_ID,
  tenantId: OPERATOR_TENANT_ID,
  role: 'admin',
  label: 'ADMIN_TOKEN',
};

/** `ADMIN_TOKEN` of the environment; only its hash is kept here. */
@Injectable()
export class BootstrapAdminVerifier implements CredentialVerifier, OnModuleInit {
  private readonly hash: Buffer | undefined;

  constructor(
    config: Config,
    private readonly authenticator: Authenticator,
  ) {
    const token = config.get('ADMIN_TOKEN');
    this.hash = token === undefined ? undefined : hashToken(token);
  }

  onModuleInit(): void {
    if (this.hash) this.authenticator.register('bearer', this);
  }

  async verify({ value }: Credential): Promise<BootstrapActor | undefined> {
    return Promise.resolve(this.hash && timingSafeEqual(this.hash, hashToken(value)) ? BOOTSTRAP_ADMIN : undefined);
  }
}
