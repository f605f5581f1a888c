import { Injectable } from '@nestjs/common';
import { NetworkRules, networksTag } from '../../platform/auth/network-rules.port.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { type IpRule, type Ruling, rulingOf } from './ip-rule.js';

interface Known {
  tenantId: string;
  ruling: Ruling;
}

/** The rules of any tenant, as they are now. It needs no transaction, and no tenant in the context. */
@Injectable()
export class IpRulesReader extends NetworkRules {
  private readonly known: RevocableCache<Known>;

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
    revocations: Revocations,
  ) {
    super();
    this.known = revocations.cache(
      (tenantId) => this.look(tenantId),
      ({ tenantId }) => [networksTag(tenantId)],
    );
  }

  async admits(tenantId: string, address: string | undefined): Promise<boolean> {
    if (this.config.get('IP_RULES') === 'off') return true;
    return (await this.known.get(tenantId))?.ruling.admits(address) ?? true;
  }

  /** A tenant without rules is known too: most have none, and every request asks. */
  private async look(tenantId: string): Promise<Known> {
    const [row] = await this.database.query<{ rules: IpRule[] }>('select rules from ip_rules where tenant_id = $1', [tenantId]);
    return { tenantId, ruling: rulingOf(row?.rules ?? []) };
  }
}
