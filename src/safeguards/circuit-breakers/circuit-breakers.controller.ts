import { applyDecorators, Body, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { ForceCircuitBreakerDto, SaveCircuitBreakerDto } from './circuit-breakers.dto.js';
import { CircuitBreakersService } from './circuit-breakers.service.js';
import { CircuitBreakerDetailView, CircuitBreakerView, toCircuitBreakerView, toDetailView } from './circuit-breakers.view.js';

const Named = (): MethodDecorator => applyDecorators(ApiParam({ name: 'name', description: 'Name of the circuit breaker.', schema: { type: 'string', maxLength: 100 }, example: 'payments-api' }));

@ApiController('circuit-breakers', 'Safeguards / Circuit breakers')
export class CircuitBreakersController {
  constructor(private readonly breakers: CircuitBreakersService) {}

  /** Lists circuit breakers and how they stand, newest first. Global ones are the operator's. */
  @Get()
  @Operation({ id: 'listCircuitBreakers', allow: 'breaker:read', returns: pageOf(CircuitBreakerView) })
  async list(@Query() query: PageQuery): Promise<Page<CircuitBreakerView>> {
    return mapPage(await this.breakers.list(query), toCircuitBreakerView);
  }

  /**
   * Creates or changes a circuit breaker, by its name. What is left out stays as it is. How it stands stays too, unless the target
   * is another one: then it closes. A global one is the operator's to make.
   */
  @Post()
  @Operation({ id: 'saveCircuitBreaker', allow: 'breaker:write', returns: CircuitBreakerView, problems: ['plan_limit_reached'] })
  async save(@Body() body: SaveCircuitBreakerDto): Promise<CircuitBreakerView> {
    return toCircuitBreakerView(await this.breakers.save(body));
  }

  /** Reads a circuit breaker. With the latest changes of how it stands, and why. */
  @Get(':name')
  @Named()
  @Operation({ id: 'getCircuitBreaker', allow: 'breaker:read', returns: CircuitBreakerDetailView, problems: ['not_found'] })
  async get(@Param('name') name: string): Promise<CircuitBreakerDetailView> {
    return toDetailView(await this.breakers.get(name));
  }

  /** Deletes a circuit breaker. Nothing stands in front of its target any more. */
  @Delete(':name')
  @Named()
  @Operation({ id: 'deleteCircuitBreaker', allow: 'breaker:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async delete(@Param('name') name: string): Promise<void> {
    await this.breakers.delete(name);
  }

  /** Holds a circuit breaker open. When this is answered, every process refuses calls to its target; no probe is let through until it is closed or reset. */
  @Post(':name/force-open')
  @Named()
  @Operation({ id: 'forceOpenCircuitBreaker', allow: 'breaker:write', returns: CircuitBreakerView, problems: ['not_found'] })
  async forceOpen(@Param('name') name: string, @Body() { reason }: ForceCircuitBreakerDto): Promise<CircuitBreakerView> {
    return toCircuitBreakerView(await this.breakers.forceOpen(name, reason));
  }

  /** Holds a circuit breaker closed. Calls go through, and nothing that fails opens it until it is reset. */
  @Post(':name/force-close')
  @Named()
  @Operation({ id: 'forceCloseCircuitBreaker', allow: 'breaker:write', returns: CircuitBreakerView, problems: ['not_found'] })
  async forceClose(@Param('name') name: string, @Body() { reason }: ForceCircuitBreakerDto): Promise<CircuitBreakerView> {
    return toCircuitBreakerView(await this.breakers.forceClose(name, reason));
  }

  /** Puts a circuit breaker back to how it began: closed, with nothing counted, and held by nobody. */
  @Post(':name/reset')
  @Named()
  @Operation({ id: 'resetCircuitBreaker', allow: 'breaker:write', returns: CircuitBreakerView, problems: ['not_found'] })
  async reset(@Param('name') name: string, @Body() { reason }: ForceCircuitBreakerDto): Promise<CircuitBreakerView> {
    return toCircuitBreakerView(await this.breakers.reset(name, reason));
  }
}
