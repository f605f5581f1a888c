import { once } from 'node:events';
import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { getDataSourceToken } from '@nestjs/typeorm';
import express, { type NextFunction, type Request, type Response } from 'express';
import { ClsService } from 'nestjs-cls';
import { Logger, PinoLogger } from 'nestjs-pino';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { notFound } from './core/problem.js';
import type { Config } from './platform/config/config.js';
import { refusePrivilegedRole } from './platform/database/migrator.js';
import { errorCode, StartupError } from './platform/startup-error.js';
import { Drain } from './platform/http/drain.js';
import { jsonBody } from './platform/http/json-body.js';
import { ReplyAdapter } from './platform/http/reply.adapter.js';
import { requestMiddleware, securityHeaders } from './platform/http/request.middleware.js';
import { httpMetrics } from './platform/metrics/http-metrics.js';
import { Metrics } from './platform/metrics/metrics.js';
import { mountSwaggerUi } from './platform/openapi/swagger-ui.js';
import { ApplicationLogger } from './platform/telemetry/application-logger.js';
import { requestLog } from './platform/telemetry/request-log.js';

/** How long an idle connection is kept: longer than the usual 60 s of load balancers, so that they close it first. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Makes the application on a migrated database, ready to listen.
 * @throws StartupError when the role it would run as could pass by row-level security
 */
export async function createApp(config: Config): Promise<NestExpressApplication> {
  const server = express();
  server.disable('x-powered-by');
  server.set('query parser', 'simple');
  server.disable('etag');
  const app = await NestFactory.create<NestExpressApplication>(AppModule.for(config), new ReplyAdapter(server), { logger: false, bufferLogs: true, bodyParser: false, abortOnError: false });
  app.useLogger(new ApplicationLogger(app.get(Logger)));
  const dataSource = app.get<DataSource>(getDataSourceToken());
  await refusePrivilegedRole((dataSource.driver as unknown as { master: pg.Pool }).master);
  useMiddleware(app, config);
  mountSwaggerUi(app);
  return app;
}

function useMiddleware(app: NestExpressApplication, config: Config): void {
  const trust = config.get('TRUST_PROXY');
  if (trust !== '') app.set('trust proxy', /^\d+$/.test(trust) ? Number(trust) : trust.split(',').map((entry) => entry.trim()));
  app.use(
    requestMiddleware({
      cls: app.get(ClsService),
      headers: securityHeaders(config),
      drain: app.get(Drain),
      onEnd: [httpMetrics(app.get(Metrics)), requestLog(PinoLogger.root)],
    }),
  );
  if (!config.servesApi) app.use(probesAlone);
  const origins = config.get('CORS_ORIGINS').split(',').map((origin) => origin.trim()).filter(Boolean);
  if (origins.length > 0) app.enableCors({ origin: origins, credentials: true, exposedHeaders: ['X-Request-Id', 'ETag', 'Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] });
  app.use(jsonBody(config.get('BODY_LIMIT_BYTES')));
}

const PROBES = new Set(['/health', '/healthz', '/readyz', '/metrics']);

/** A worker answers its probes and nothing else. */
function probesAlone(request: Request, _response: Response, next: NextFunction): void {
  next(PROBES.has(request.path) ? undefined : notFound('path on a worker'));
}

/**
 * Starts listening.
 * @returns the address as a URL
 * @throws StartupError when the address cannot be had
 */
export async function listen(app: INestApplication, config: Config): Promise<string> {
  const server = await listenOrExplain(app, config);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 1_000;
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.get('PORT');
  const host = config.get('HOST');
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function listenOrExplain(app: INestApplication, config: Config): Promise<Server> {
  const [host, port] = [config.get('HOST'), config.get('PORT')];
  try {
    await app.init();
    const server = app.getHttpServer() as Server;
    server.listen(port, host);
    await once(server, 'listening');
    return server;
  } catch (cause) {
    const reasons: Record<string, string> = {
      EADDRINUSE: `port ${port} on ${host} is taken: stop what uses it, or set PORT`,
      EACCES: `port ${port} may not be used by this account: set PORT to 1024 or more`,
      EADDRNOTAVAIL: `HOST names no address of this machine`,
      ENOTFOUND: `HOST names no address of this machine`,
    };
    const reason = reasons[errorCode(cause) ?? ''];
    throw reason ? new StartupError(reason, { cause }) : cause;
  }
}
