import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Breakers } from '../../platform/egress/breakers.port.js';
import { BreakerMetrics } from './breaker-metrics.js';
import { CircuitBreaker } from './circuit-breaker.entity.js';
import { CircuitBreakersController } from './circuit-breakers.controller.js';
import { CircuitBreakersReader } from './circuit-breakers.reader.js';
import { CircuitBreakersRepository } from './circuit-breakers.repository.js';
import { CircuitBreakersService } from './circuit-breakers.service.js';
import { CircuitGate } from './circuit-gate.js';
import { CircuitStates } from './circuit-states.js';
import { KnownBreakers } from './known-breakers.js';

/** Circuit breakers: who calls what is broken is refused at once. Global for the port that the way out asks. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([CircuitBreaker])],
  controllers: [CircuitBreakersController],
  providers: [BreakerMetrics, CircuitBreakersReader, CircuitBreakersRepository, CircuitBreakersService, CircuitGate, CircuitStates, KnownBreakers, { provide: Breakers, useExisting: CircuitGate }],
  exports: [Breakers, CircuitBreakersReader],
})
export class CircuitBreakersModule {}
