import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { compileFunction } from 'node:vm';
import { loadSources, sourceMaps } from './sources.mjs';

/** Jest's own parts, as Jest itself finds them. */
const require = createRequire(createRequire(import.meta.url).resolve('jest'));
const { default: JestRuntime } = require('jest-runtime');

/**
 * Loads packages and the product's sources as Node.js itself does, once per worker; only the tests and their support are
 * loaded anew for each file. Loading Nest and all that stands on it for each file again, in a realm where nothing is
 * compiled yet, was most of what the tests cost.
 */
class SharedRuntime extends JestRuntime {
  constructor(config, ...rest) {
    super(config, ...rest);
    loadSources(config.rootDir, join(config.cacheDirectory, 'sources'));
    this.shared = [join(config.rootDir, 'src'), join(config.rootDir, 'node_modules')];
    this.executor.compile = compile;
  }

  requireModuleOrMock(from, name) {
    const path = this.#shared(from, name);
    return path === undefined ? super.requireModuleOrMock(from, name) : createRequire(from)(path);
  }

  /** What Node.js is asked for, when it is its to load. */
  #shared(from, name) {
    if (name.startsWith('@jest/')) return undefined;
    if (!name.startsWith('.') && !name.startsWith(sep)) return name;
    const path = join(from, '..', name);
    return this.shared.some((folder) => path.startsWith(folder + sep)) ? path : undefined;
  }

  /** Asked once before the file is loaded: looked up when a stack is shown. */
  getSourceMaps() {
    const ofFile = super.getSourceMaps();
    return {
      get: (path) => ofFile.get(path) ?? sourceMaps.get(path),
      *[Symbol.iterator]() {
        yield* sourceMaps;
        yield* ofFile;
      },
    };
  }

  /** The worker's `process` is everybody's. */
  installGetBuiltinModule() {}
}

/** As the executor's own, in this realm. */
function compile(source, filename) {
  return compileFunction(source, this.injectedModuleParameters, {
    filename,
    importModuleDynamically: (specifier) => import(createRequire(filename).resolve(specifier)),
  });
}

export { SharedRuntime as 'module.exports' };
