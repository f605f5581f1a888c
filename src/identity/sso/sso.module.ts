import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdentityAuthModule } from '../auth/identity-auth.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { IssuerKeys } from './issuer-keys.js';
import { IssuerTokenVerifier } from './issuer-token.verifier.js';
import { SsoAddresses } from './sso-addresses.js';
import { SsoAdmission } from './sso-admission.service.js';
import { SsoBrowserService } from './sso-browser.service.js';
import { SsoCleaner } from './sso.cleaner.js';
import { SsoClient } from './sso-client.js';
import { SsoController } from './sso.controller.js';
import { SsoFlowService } from './sso-flow.service.js';
import { SsoFlowsRepository } from './sso-flows.repository.js';
import { SsoIdentitiesController } from './sso-identities.controller.js';
import { SsoIdentitiesRepository } from './sso-identities.repository.js';
import { SsoIdentitiesService } from './sso-identities.service.js';
import { SsoIdentity } from './sso-identity.entity.js';
import { SsoProvider } from './sso-provider.entity.js';
import { SsoProvidersController } from './sso-providers.controller.js';
import { SsoProvidersRepository } from './sso-providers.repository.js';
import { SsoProvidersService } from './sso-providers.service.js';
import { SsoSignInService } from './sso-sign-in.service.js';
import { SsoSignOutService } from './sso-sign-out.service.js';
import { SubjectsRepository } from './subjects.repository.js';

/** Single sign-on: OpenID providers of tenants, sign-ins with them, and bearer tokens of a configured issuer. */
@Module({
  imports: [TypeOrmModule.forFeature([SsoProvider, SsoIdentity]), IdentityAuthModule, SessionsModule, UsersModule],
  controllers: [SsoController, SsoProvidersController, SsoIdentitiesController],
  providers: [
    SsoProvidersRepository,
    SsoProvidersService,
    SsoIdentitiesRepository,
    SsoIdentitiesService,
    SsoFlowsRepository,
    SsoFlowService,
    SsoClient,
    SsoAdmission,
    SsoAddresses,
    SsoBrowserService,
    SsoSignInService,
    SsoSignOutService,
    SsoCleaner,
    SubjectsRepository,
    IssuerKeys,
    IssuerTokenVerifier,
  ],
})
export class SsoModule {}
