import 'reflect-metadata';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { NestFactory } from '@nestjs/core';
import openapiTS, { astToString } from 'openapi-typescript';
import { AppModule } from '../app.module.js';
import { loadConfig } from '../platform/config/config.js';
import { ALIASES } from '../platform/http/aliases.js';
import { buildDocument } from '../platform/openapi/build-document.js';
import type { OpenApiDocument } from '../platform/openapi/document.types.js';
import { VERSION } from '../platform/version.js';
import { renderProblems } from './render-problems.js';
import { renderEnvironmentExample } from './render-settings.js';

/** The document of this build, without a database: in preview Nest makes no instance of anything. */
async function documentOfBuild(): Promise<OpenApiDocument> {
  const config = loadConfig({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  const app = await NestFactory.create(AppModule.for(config), { preview: true, abortOnError: false, logger: false });
  return buildDocument(app, VERSION);
}

/** Types of the generated client: everything in them comes from the document. */
async function clientTypes(document: OpenApiDocument): Promise<string> {
  const nodes = await openapiTS(JSON.stringify(document), { alphabetize: true, emptyObjectsUnknown: true, silent: true });
  return `// Written by \`npm run openapi\` from openapi/openapi.json.\n${astToString(nodes)}`;
}

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

async function render(): Promise<Record<string, string>> {
  const document = await documentOfBuild();
  return {
    'openapi/openapi.json': toJson(document),
    'openapi/aliases.json': toJson(ALIASES),
    'docs/problems.md': renderProblems(),
    '.env.example': renderEnvironmentExample(),
    'clients/typescript/src/schema.ts': await clientTypes(document),
  };
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes every generated file, or with `--check` only says which are out of date. */
async function main(): Promise<void> {
  const check = process.argv.includes('--check');
  const stale = Object.entries(await render()).filter(([file, text]) => contentOf(file) !== text);
  for (const [file, text] of stale) {
    process.stdout.write(`${check ? 'out of date' : 'written'}: ${file}\n`);
    if (check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (check && stale.length > 0) {
    process.stdout.write('Run npm run openapi and commit what it writes.\n');
    process.exitCode = 1;
  }
}

await main();
