import { Global, Module } from '@nestjs/common';
import { AddressResolver } from './address-resolver.js';
import { EgressPolicy } from './egress-policy.js';
import { Egress } from './egress.js';

/** Everything that leaves this installation, leaves here. */
@Global()
@Module({ providers: [AddressResolver, EgressPolicy, Egress], exports: [Egress] })
export class EgressModule {}
