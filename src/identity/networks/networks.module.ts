import { Global, Module } from '@nestjs/common';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { IpRulesController } from './ip-rules.controller.js';
import { IpRulesReader } from './ip-rules.reader.js';
import { IpRulesRepository } from './ip-rules.repository.js';
import { IpRulesService } from './ip-rules.service.js';

/** From which addresses tenants are worked in. Global for the one port that the authenticator asks. */
@Global()
@Module({
  controllers: [IpRulesController],
  providers: [IpRulesRepository, IpRulesService, { provide: NetworkRules, useClass: IpRulesReader }],
  exports: [NetworkRules],
})
export class NetworksModule {}
