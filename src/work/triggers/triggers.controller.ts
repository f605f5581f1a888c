import { Body, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { TriggerBacktests } from './trigger-backtests.service.js';
import { BacktestTriggerDto, CreateTriggerDto, ListTriggersQuery, ToggleTriggerDto, TriggerHistoryQuery, UpdateTriggerDto } from './triggers.dto.js';
import { TriggersService } from './triggers.service.js';
import { BacktestView, toTriggerFiringView, toTriggerView, TriggerFiringView, TriggerView } from './triggers.view.js';

@ApiController('triggers', 'Work / Triggers')
export class TriggersController {
  constructor(
    private readonly triggers: TriggersService,
    private readonly backtests: TriggerBacktests,
  ) {}

  /** Lists the triggers, newest first. */
  @Get()
  @Operation({ id: 'listTriggers', allow: 'trigger:read', returns: pageOf(TriggerView) })
  async list(@Query() query: ListTriggersQuery): Promise<Page<TriggerView>> {
    return mapPage(await this.triggers.list(query, query), toTriggerView);
  }

  /** Creates a trigger. It sees the events that its writer's role sees, and what happens from now on. */
  @Post()
  @Operation({ id: 'createTrigger', allow: 'trigger:write', returns: TriggerView, status: 201, problems: ['unprocessable', 'plan_limit_reached'] })
  async create(@Body() body: CreateTriggerDto): Promise<TriggerView> {
    return toTriggerView(await this.triggers.create(body));
  }

  /** Reads a trigger. */
  @Get(':id')
  @Operation({ id: 'getTrigger', allow: 'trigger:read', returns: TriggerView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<TriggerView> {
    return toTriggerView(await this.triggers.get(id));
  }

  /** Changes a trigger; what is left out stays. It sees from then on what the role of who changed it sees. */
  @Put(':id')
  @Operation({ id: 'updateTrigger', allow: 'trigger:write', returns: TriggerView, problems: ['not_found', 'unprocessable', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateTriggerDto): Promise<TriggerView> {
    return toTriggerView(await this.triggers.update(id, body));
  }

  /** Deletes a trigger with its history. */
  @Delete(':id')
  @Operation({ id: 'deleteTrigger', allow: 'trigger:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async remove(@Param('id', Uuid) id: string): Promise<void> {
    await this.triggers.remove(id);
  }

  /** Turns a trigger on or off. Off, it stops at once in every process, and what waits of it is ended. */
  @Post(':id/toggle')
  @Operation({ id: 'toggleTrigger', allow: 'trigger:write', returns: TriggerView, problems: ['not_found'] })
  async toggle(@Param('id', Uuid) id: string, @Body() { enabled }: ToggleTriggerDto): Promise<TriggerView> {
    return toTriggerView(await this.triggers.toggle(id, enabled));
  }

  /** Lists what became of the trigger's events, newest first: fired, skipped and why, failed and why. */
  @Get(':id/history')
  @Operation({ id: 'getTriggerHistory', allow: 'trigger:read', returns: pageOf(TriggerFiringView), problems: ['not_found'] })
  async history(@Param('id', Uuid) id: string, @Query() query: TriggerHistoryQuery): Promise<Page<TriggerFiringView>> {
    return mapPage(await this.triggers.history(id, query.status, query), toTriggerFiringView);
  }

  /** Says what the trigger, as it is now, would have done with the events of the last days. Nothing is done. */
  @Post(':id/backtest')
  @Operation({ id: 'backtestTrigger', allow: 'trigger:read', returns: BacktestView, problems: ['not_found', 'unprocessable'], idempotency: 'outside' })
  backtest(@Param('id', Uuid) id: string, @Body() { days }: BacktestTriggerDto): Promise<BacktestView> {
    return this.backtests.run(id, days);
  }
}
