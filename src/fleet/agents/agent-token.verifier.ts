import { timingSafeEqual } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AgentActor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { slugify } from '../../core/slug.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import { AGENT_TOKEN_PREFIX, type Credential } from '../../platform/auth/credentials.js';
import { RefusedActor } from '../../platform/auth/refused-actor.js';
import { TenantResolver } from '../../platform/auth/tenant-resolver.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, isWellFormedToken } from '../../platform/crypto/tokens.js';
import { AgentEnrolment } from './agent-enrolment.service.js';
import { AgentPresence } from './agent-presence.service.js';
import { type AgentCredentialRow, AgentTokensRepository } from './agent-tokens.repository.js';

type AgentCredential = Extract<Credential, { kind: 'agent_token' | 'bearer' }>;

interface KnownCredential extends AgentCredentialRow {
  /** On this process's monotonic clock, so that no wall clock has to be right. */
  expiresAt: number;
}

interface BootstrapPair {
  tenant: string;
  hash: Buffer;
}

const DEFAULT_AGENT = 'bootstrap';
const LONGEST_NAME = 200;

/**
 * Knows agents by their tokens, alone or as `tenant:token`, and by the pairs of AGENT_TOKENS, whose agent is the one
 * that `X-Agent-Name` names. Every success is a sign of life.
 */
@Injectable()
export class AgentTokenVerifier implements CredentialVerifier, OnModuleInit {
  private readonly byHash: RevocableCache<KnownCredential>;
  private readonly byName: RevocableCache<KnownCredential>;
  private readonly bootstrap: readonly BootstrapPair[];

  constructor(
    config: Config,
    revocations: Revocations,
    private readonly authenticator: Authenticator,
    private readonly tokens: AgentTokensRepository,
    private readonly tenants: TenantResolver,
    private readonly enrolment: AgentEnrolment,
    private readonly context: RequestContext,
    private readonly presence: AgentPresence,
  ) {
    const tagsOf = ({ agent_id, tenant_id }: KnownCredential): string[] => [`agent:${agent_id}`, `tenant:${tenant_id}`];
    this.byHash = revocations.cache(async (hash) => known(await this.tokens.findByHash(Buffer.from(hash, 'base64'))), tagsOf);
    this.byName = revocations.cache(async (key) => known(await this.findNamed(key)), tagsOf);
    this.bootstrap = config.get('AGENT_TOKENS').map(({ tenant, token }) => ({ tenant, hash: hashToken(token) }));
  }

  onModuleInit(): void {
    this.authenticator.register('agent_token', this);
    // A bootstrap token alone, as a bearer token, has no form that says what it is.
    if (this.bootstrap.length > 0) this.authenticator.register('bearer', this);
  }

  /** @throws Problem `tenant_suspended`, `agent_killed`, `agent_inactive` */
  async verify(credential: Credential): Promise<AgentActor | undefined> {
    if (credential.kind !== 'agent_token' && credential.kind !== 'bearer') return undefined;
    const found = (await this.own(credential)) ?? (await this.shared(credential));
    if (!found || found.expiresAt <= performance.now()) return undefined;
    const actor: AgentActor = { kind: 'agent', id: found.agent_id, tenantId: found.tenant_id, tokenId: found.token_id, label: found.slug };
    if (found.tenant_status === 'suspended') throw new RefusedActor('tenant_suspended', actor);
    if (found.control_state === 'killed') throw new RefusedActor('agent_killed', actor);
    if (!found.is_active) throw new RefusedActor('agent_inactive', actor);
    this.presence.seen(found.agent_id, found.tenant_id);
    return actor;
  }

  /** A token that was made for one agent. */
  private async own(credential: AgentCredential): Promise<KnownCredential | undefined> {
    if (!isWellFormedToken(credential.value, AGENT_TOKEN_PREFIX)) return undefined;
    const found = await this.byHash.get(hashToken(credential.value).toString('base64'));
    const tenant = credential.kind === 'agent_token' ? credential.tenant : undefined;
    return found && (tenant === undefined || tenant === found.tenant_slug || tenant === found.tenant_id) ? found : undefined;
  }

  /** A pair of AGENT_TOKENS. */
  private async shared(credential: AgentCredential): Promise<KnownCredential | undefined> {
    const tenant = this.tenantOfPair(credential.value, credential.kind === 'agent_token' ? credential.tenant : undefined);
    if (tenant === undefined) return undefined;
    const name = credential.agentName?.trim().slice(0, LONGEST_NAME) || DEFAULT_AGENT;
    return this.byName.get(JSON.stringify([tenant, name]));
  }

  /** Every pair is compared, in constant time, so that the time says nothing about any. */
  private tenantOfPair(token: string, named: string | undefined): string | undefined {
    const hash = hashToken(token);
    let tenant: string | undefined;
    for (const pair of this.bootstrap) {
      const same = timingSafeEqual(pair.hash, hash);
      if (same && (named === undefined || named === pair.tenant)) tenant ??= pair.tenant;
    }
    return tenant;
  }

  private async findNamed(key: string): Promise<AgentCredentialRow | undefined> {
    const [tenant, name] = JSON.parse(key) as [string, string];
    const tenantId = await this.tenants.resolve(tenant);
    if (!tenantId) return undefined;
    const slug = slugify(name, DEFAULT_AGENT);
    const found = await this.tokens.findBySlug(tenantId, slug);
    if (found) return found;
    if ((await this.tokens.tenantStatus(tenantId)) !== 'active') throw new Problem('tenant_suspended');
    await this.context.runAsSystem(tenantId, DEFAULT_AGENT, () => this.enrolment.ensure(slug, name));
    return this.tokens.findBySlug(tenantId, slug);
  }
}

function known(row: AgentCredentialRow | undefined): KnownCredential | undefined {
  return row && { ...row, expiresAt: row.expires_in_ms === null ? Infinity : performance.now() + row.expires_in_ms };
}
