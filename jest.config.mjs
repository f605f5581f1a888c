import { swcOptions } from './test/support/jest/swc.mjs';

/**
 * Jest's runner, reporters and globals, without its module registry for what is tested: a worker loads packages and `src/`
 * once, as Node.js does, and only the tests and their support anew for each file (see test/support/jest/).
 */
const swc = ['@swc/jest', { ...swcOptions, module: { type: 'commonjs' } }];

const shared = {
  rootDir: '.',
  testEnvironment: '<rootDir>/test/support/jest/environment.mjs',
  runtime: '<rootDir>/test/support/jest/runtime.mjs',
  transform: { '^.+\\.(ts|js|mjs)$': swc },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1'] },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/data/'],
};

export default {
  // One more than the two cores that the tests are meant for: many of them wait for a process, a lease or a timer.
  maxWorkers: 3,
  // What a suite loads stays with its worker; one that has grown large is replaced.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 30_000,
  testSequencer: '<rootDir>/test/support/sequencer.mjs',
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{src,clients,test/torture,bench}/**/*.spec.ts'] },
    {
      ...shared,
      displayName: 'system',
      testMatch: ['<rootDir>/test/{medium,e2e,contract}/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
      setupFiles: ['<rootDir>/test/support/setup-file.ts'],
    },
  ],
};
