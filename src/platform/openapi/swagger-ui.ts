import type { INestApplication } from '@nestjs/common';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { OpenApiService } from './openapi.service.js';

/** Pages wider than the default, and a filter box that stands out less than the operations. */
const CSS = '.swagger-ui .wrapper { max-width: 1600px } .swagger-ui .opblock .opblock-summary-path { max-width: none }';

interface UiRequest {
  headers: Record<string, string>;
}

/** Runs in the browser, as text: it can use nothing from here. With a session cookie, the token that belongs to it is sent along. */
function withCsrfToken(request: UiRequest): UiRequest {
  const page = globalThis as unknown as { document: { cookie: string } };
  const token = /(?:^|; *)(?:__Host-)?wheelhouse-csrf=([\w-]+)/.exec(page.document.cookie)?.[1];
  if (token !== undefined) request.headers['x-csrf-token'] = token;
  return request;
}

/**
 * Puts Swagger UI at /docs. Its scripts are files of its own package and one that Nest serves, so that the
 * Content-Security-Policy needs no inline script.
 */
export function mountSwaggerUi(app: INestApplication): void {
  const openapi = app.get(OpenApiService);
  openapi.attach(app);
  SwaggerModule.setup('docs', app, () => openapi.get().document as unknown as OpenAPIObject, {
    raw: false,
    customSiteTitle: 'Wheelhouse API',
    customCss: CSS,
    swaggerOptions: {
      persistAuthorization: true,
      filter: true,
      docExpansion: 'none',
      displayRequestDuration: true,
      displayOperationId: true,
      operationsSorter: 'alpha',
      showExtensions: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
      requestInterceptor: withCsrfToken,
    },
  });
}
