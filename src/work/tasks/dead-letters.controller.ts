import { Body, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { CreateDeadLetterDto, RetryAllDto } from './dead-letters.dto.js';
import { DeadLettersService } from './dead-letters.service.js';
import { DeadLetterStatsView, DeadLetterView, RetryAllView, toDeadLetterView } from './dead-letters.view.js';
import { TaskView, toTaskView } from './tasks.view.js';

@ApiController('dead-letter', 'Work / Dead letters')
export class DeadLettersController {
  constructor(private readonly letters: DeadLettersService) {}

  /** Lists dead letters. Tasks whose retries are used up, whose deadline has passed, or that were given up by hand; newest first. */
  @Get()
  @Operation({ id: 'listDeadLetters', allow: 'dead-letter:read', returns: pageOf(DeadLetterView) })
  async list(@Query() query: PageQuery): Promise<Page<DeadLetterView>> {
    return mapPage(await this.letters.list(query), toDeadLetterView);
  }

  /** Counts dead letters. In all, of the last day, and by their most frequent reasons. */
  @Get('stats')
  @Operation({ id: 'getDeadLetterStats', allow: 'dead-letter:read', returns: DeadLetterStatsView })
  stats(): Promise<DeadLetterStatsView> {
    return this.letters.stats();
  }

  /** Gives a task up by hand. Its lease, if it has one, is taken back at once. */
  @Post()
  @Operation({ id: 'createDeadLetter', allow: 'dead-letter:write', returns: DeadLetterView, status: 201, problems: ['not_found', 'task_final'] })
  async create(@Body() body: CreateDeadLetterDto): Promise<DeadLetterView> {
    return toDeadLetterView(await this.letters.bury(body.task_id, body.reason));
  }

  /** Starts all dead letters again. They are queued at 100 a second, so that what failed before is not flooded; deadlines that have passed are cleared. */
  @Post('retry-all')
  @Operation({ id: 'retryAllDeadLetters', allow: 'dead-letter:write', returns: RetryAllView })
  async retryAll(@Body() body: RetryAllDto): Promise<RetryAllView> {
    return { accepted: await this.letters.retryAll(body.reason) };
  }

  /** Starts a dead letter again. The task is queued at attempt 0 and remembers the entry it came from. A deadline that has passed is cleared; PATCH /tasks/{id} sets a new one. */
  @Post(':id/retry')
  @Operation({ id: 'retryDeadLetter', allow: 'dead-letter:write', returns: TaskView, problems: ['not_found', 'invalid_transition'] })
  async retry(@Param('id', Uuid) id: string): Promise<TaskView> {
    return toTaskView(await this.letters.retry(id));
  }

  /** Removes a dead letter. The task itself stays, as a dead letter without an entry. */
  @Delete(':id')
  @Operation({ id: 'deleteDeadLetter', allow: 'dead-letter:write', returns: NO_CONTENT, problems: ['not_found'] })
  async remove(@Param('id', Uuid) id: string): Promise<void> {
    await this.letters.remove(id);
  }
}
