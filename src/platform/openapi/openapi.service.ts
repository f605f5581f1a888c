import { createHash } from 'node:crypto';
import { type INestApplication, Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { VERSION } from '../version.js';
import { buildDocument } from './build-document.js';
import type { OpenApiDocument } from './document.types.js';

interface Served {
  document: OpenApiDocument;
  json: string;
  etag: string;
}

/** The document of the running application, made when it is first asked for and then kept. */
@Injectable()
export class OpenApiService {
  private app: INestApplication | undefined;
  private served: Served | undefined;

  constructor(private readonly config: Config) {}

  /** The application cannot be injected into its own parts; whoever makes it hands it over. */
  attach(app: INestApplication): void {
    this.app = app;
  }

  get(): Served {
    if (!this.app) throw new Error('The OpenAPI document is asked for before the application is made.');
    return (this.served ??= this.make(this.app));
  }

  private make(app: INestApplication): Served {
    const document = buildDocument(app, VERSION);
    const url = this.config.get('PUBLIC_URL');
    if (url !== undefined) document.servers = [{ url, description: 'This installation.' }];
    const json = `${JSON.stringify(document, null, 2)}\n`;
    return { document, json, etag: `"${createHash('sha256').update(json).digest('base64url').slice(0, 22)}"` };
  }
}
