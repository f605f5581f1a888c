import { createRequire } from 'node:module';

/** Jest's own parts, as Jest itself finds them. */
const require = createRequire(createRequire(import.meta.url).resolve('jest'));
const { ModuleMocker } = require('jest-mock');

/**
 * The worker's own globals instead of a new realm for each file: what runtime.mjs shares between files lives in them, and
 * `instanceof` holds across both. What a file changes of them is put back after it.
 */
export default class SharedGlobals {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  // Nothing here stops the clock: planes that live in the same realm would stop with it.
  fakeTimers = null;
  fakeTimersModern = null;
  #environment = { ...process.env };
  #exit = process.exit;
  #console = globalThis.console;
  #keys = new Set(Reflect.ownKeys(globalThis));

  async setup() {}

  async teardown() {
    this.moduleMocker.restoreAllMocks();
    process.exit = this.#exit;
    globalThis.console = this.#console;
    for (const name of Object.keys(process.env)) if (!(name in this.#environment)) delete process.env[name];
    Object.assign(process.env, this.#environment);
    // Jest's own state of this file is under symbols; what a shared package has put there stays with the package.
    for (const key of Reflect.ownKeys(globalThis)) {
      if (typeof key === 'symbol' && !this.#keys.has(key) && isJests(key)) Reflect.deleteProperty(globalThis, key);
    }
    this.global = null;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  /** Nothing runs in another realm; runtime.mjs compiles in this one. */
  getVmContext() {
    return null;
  }
}

const isJests = (key) => /jest|circus|^(RETRY_|EVENT_|TEST_|LOG_|WAIT_)/i.test(key.description ?? '');
