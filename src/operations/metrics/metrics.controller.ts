import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Operation } from '../../platform/http/operation.decorator.js';
import { MetricsService } from './metrics.service.js';

@Controller()
@ApiTags('Operations / Metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  /**
   * Metrics of this process and of the queue, for Prometheus. Open unless METRICS_TOKEN is set; it then takes that
   * bearer token. No label carries the name of a tenant, an agent or a person.
   */
  @Get('metrics')
  @Operation({ id: 'getMetrics', allow: 'public', returns: { text: 'text/plain' }, problems: ['unauthenticated'] })
  async read(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<string> {
    const { type, text } = await this.metrics.read(request.headers.authorization);
    response.type(type);
    return text;
  }
}
