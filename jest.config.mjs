/**
 * Everything, packages included, is turned into CommonJS by SWC: Nest is ESM, some of what stands on it is CommonJS,
 * and Jest's own ESM support breaks on that cycle (see docs/dependencies.md).
 */
const swc = ['@swc/jest', {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
  // Beside the code: within it, every suite would read three times as much, and only a stack trace needs them.
  sourceMaps: true,
}];

const shared = {
  rootDir: '.',
  testEnvironment: 'node',
  transform: { '^.+\\.(ts|js|mjs)$': swc },
  transformIgnorePatterns: [],
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
