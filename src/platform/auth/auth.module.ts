import { Global, Module } from '@nestjs/common';
import { Passwords } from '../crypto/passwords.js';
import { RateLimits } from '../limits/rate-limits.js';
import { Authenticator } from './authenticator.js';

/** Finding out who calls, and how often they may. */
@Global()
@Module({ providers: [Authenticator, RateLimits, Passwords], exports: [Authenticator, RateLimits, Passwords] })
export class AuthModule {}
