import type { Provider } from '@nestjs/common';
import { type AgentContent, Erasures, type TenantContent } from './erasures.js';

/** For a module's providers: declares what of the domain is erased with an agent, and with a tenant beyond its own rows. */
export function erasable({ ofAgents = [], ofTenants = [] }: { ofAgents?: readonly AgentContent[]; ofTenants?: readonly TenantContent[] }): Provider {
  return {
    provide: Symbol('erasable'),
    inject: [Erasures],
    useFactory: (erasures: Erasures) => {
      erasures.ofAgents(...ofAgents);
      erasures.ofTenants(...ofTenants);
      return erasures;
    },
  };
}
