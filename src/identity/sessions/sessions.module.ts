import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AccessTokenStrategy } from './access-token.strategy.js';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AccessTokensService } from './access-tokens.service.js';
import { SessionsCleaner } from './sessions.cleaner.js';
import { SessionsRepository } from './sessions.repository.js';
import { SessionsService } from './sessions.service.js';
import { SignInAttempts } from './sign-in-attempts.port.js';
import { SignInAttemptsService } from './sign-in-attempts.service.js';
import { SigningKey } from './signing-key.js';
import { UserSessions } from './user-sessions.port.js';

/** Sessions of people: access tokens, refresh tokens, and what they are worth now. */
@Module({
  imports: [JwtModule.register({})],
  providers: [
    SigningKey,
    AccessTokenStrategy,
    AccessTokensService,
    AccessTokenVerifier,
    SessionsRepository,
    SessionsCleaner,
    { provide: SignInAttempts, useClass: SignInAttemptsService },
    { provide: UserSessions, useClass: SessionsService },
  ],
  exports: [UserSessions, SignInAttempts],
})
export class SessionsModule {}
