import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Clock } from '../../core/clock.js';
import { Problem } from '../../core/problem.js';
import { Operation } from '../../platform/http/operation.decorator.js';
import { VERSION } from '../../platform/version.js';
import { HealthView, ReadinessView } from './health.view.js';
import { HealthService } from './health.service.js';

@Controller()
@ApiTags('Operations / Health')
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly clock: Clock,
  ) {}

  /** Liveness. The process runs and answers; nothing else is looked at. */
  @Get('health')
  @Operation({ id: 'getHealth', allow: 'public', returns: HealthView })
  live(): HealthView {
    return { status: 'ok', service: 'wheelhouse', version: VERSION, uptime: this.health.uptimeSeconds, timestamp: this.clock.now().toISOString() };
  }

  /** Liveness, by the name that orchestrators use. The same answer as /health. */
  @Get('healthz')
  @Operation({ id: 'getHealthz', allow: 'public', returns: HealthView })
  liveAlias(): HealthView {
    return this.live();
  }

  /** Readiness. The database answers, its schema is this version's, and the process is not shutting down. */
  @Get('readyz')
  @Operation({ id: 'getReadiness', allow: 'public', returns: ReadinessView, problems: ['unavailable'] })
  async ready(): Promise<ReadinessView> {
    const readiness = await this.health.readiness();
    if (readiness.status !== 'ready') throw new Problem('unavailable', { detail: 'Not ready.', extra: { checks: readiness.checks } });
    return readiness;
  }
}
