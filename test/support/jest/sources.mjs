import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync, version } from '@swc/core';
import { swcOptions } from './swc.mjs';

const options = { ...swcOptions, module: { type: 'es6' }, swcrc: false, configFile: false };

/** Where the map of each source is that was loaded: Jest shows stacks by it. */
export const sourceMaps = new Map();
let isLoading = false;

/** Makes Node.js load the TypeScript below `root`, and keeps what that makes of it in `cache`. */
export function loadSources(root, cache) {
  if (isLoading) return;
  isLoading = true;
  mkdirSync(cache, { recursive: true });
  const own = pathToFileURL(join(root, '/')).href;
  const isOwn = (url) => url.startsWith(own) && !url.startsWith(`${own}node_modules/`);
  registerHooks({
    resolve(specifier, context, next) {
      const wanted = specifier.startsWith('.')
        ? new URL(specifier, context.parentURL).href
        : specifier.startsWith('/')
          ? pathToFileURL(specifier).href
          : undefined;
      if (!wanted?.endsWith('.js') || !isOwn(wanted)) return next(specifier, context);
      const source = `${wanted.slice(0, -3)}.ts`;
      return existsSync(fileURLToPath(source)) ? { url: source, format: 'module', shortCircuit: true } : next(specifier, context);
    },
    load(url, context, next) {
      if (!url.endsWith('.ts') || !isOwn(url)) return next(url, context);
      return { format: 'module', source: transformed(fileURLToPath(url), cache), shortCircuit: true };
    },
  });
}

function transformed(path, cache) {
  const text = readFileSync(path, 'utf8');
  const name = join(
    cache,
    createHash('sha256')
      .update(JSON.stringify([version, options, path, text]))
      .digest('hex'),
  );
  sourceMaps.set(pathToFileURL(path).href, `${name}.map`);
  if (existsSync(name)) return readFileSync(name, 'utf8');
  const { code, map } = transformSync(text, { ...options, filename: path });
  write(`${name}.map`, map);
  write(name, code);
  return code;
}

/** Whole or not at all: other workers read it. */
function write(name, text) {
  writeFileSync(`${name}.${process.pid}`, text);
  renameSync(`${name}.${process.pid}`, name);
}
