import { Module } from '@nestjs/common';
import { AccessPolicyController } from './access-policy.controller.js';
import { AccessPolicyRepository } from './access-policy.repository.js';
import { AccessPolicyService } from './access-policy.service.js';
import { SecurityPolicies } from './security-policies.reader.js';

/** What a tenant asks of those who sign in to it. */
@Module({
  controllers: [AccessPolicyController],
  providers: [AccessPolicyRepository, AccessPolicyService, SecurityPolicies],
  exports: [SecurityPolicies],
})
export class AccessPolicyModule {}
