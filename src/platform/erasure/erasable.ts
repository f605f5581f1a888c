import type { Provider } from '@nestjs/common';
import { type AgentContent, Erasures, type TenantContent, type Unfinished } from './erasures.js';

/** For a module's providers: declares what of the domain is erased with an agent, and with a tenant beyond its own rows. */
export function erasable({ ofAgents = [], ofTenants = [], whenEnded = [] }: { ofAgents?: readonly AgentContent[]; ofTenants?: readonly TenantContent[]; whenEnded?: readonly Unfinished[] }): Provider {
  return {
    provide: Symbol('erasable'),
    inject: [Erasures],
    useFactory: (erasures: Erasures) => {
      erasures.ofAgents(...ofAgents);
      erasures.ofTenants(...ofTenants);
      erasures.whenEnded(...whenEnded);
      return erasures;
    },
  };
}
