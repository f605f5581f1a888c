import { Global, Module } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { RequestContext } from '../context/request-context.js';
import { AddressResolver } from './address-resolver.js';
import { Breakers } from './breakers.port.js';
import { EgressMeter } from './egress-meter.js';
import { EgressPassages, passagesOf } from './egress-passages.js';
import { EgressPolicy } from './egress-policy.js';
import { Egress } from './egress.js';
import { OutboundCalls } from './outbound-calls.js';

const meterOf = ({ egress }: Metrics): EgressMeter => ({ count: (purpose, outcome) => egress.inc({ purpose, outcome }) });

/** Everything that leaves this installation, leaves here. */
@Global()
@Module({
  providers: [
    AddressResolver,
    EgressPolicy,
    { provide: EgressMeter, inject: [Metrics], useFactory: meterOf },
    { provide: EgressPassages, inject: [Breakers, RequestContext], useFactory: passagesOf },
    Egress,
    OutboundCalls,
  ],
  exports: [Egress, OutboundCalls],
})
export class EgressModule {}
