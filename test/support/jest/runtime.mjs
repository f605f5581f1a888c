import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { compileFunction } from 'node:vm';
import { loadSources, sourceMaps } from './sources.mjs';

/** Jest's own parts, as Jest itself finds them. */
const require = createRequire(createRequire(import.meta.url).resolve('jest'));
const { default: JestRuntime } = require('jest-runtime');

/** What `jest.mock`, `doMock`, `setMock` and `unstable_mockModule` come to. */
const MOCKING = ['setMock', 'setModuleMock', 'markExplicitCjsMock'];

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
    for (const name of MOCKING) this.#refuse(name);
  }

  /** What is loaded once for all files is not replaced for one: a test that asks for it must not go on with the real thing. */
  #refuse(name) {
    const ofJest = this.mockState[name].bind(this.mockState);
    this.mockState[name] = (from, module, ...rest) => {
      if (this.#shared(from, module) === undefined) return ofJest(from, module, ...rest);
      throw new Error(`${module} cannot be mocked: packages and src/ are loaded once for all test files (test/support/jest/runtime.mjs). Use jest.spyOn on an instance, or hand in another implementation.`);
    };
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
