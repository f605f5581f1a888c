import tseslint from 'typescript-eslint';

/** Modules that open connections. Outbound HTTP leaves through src/platform/egress alone. */
const HTTP_CLIENTS = ['undici', 'axios', 'got', 'node-fetch', 'ky', 'superagent'];
const NODE_HTTP = ['node:http', 'node:https', 'node:http2', 'http', 'https', 'http2'];
/** Sockets of one's own. */
const NODE_SOCKETS = ['node:net', 'node:tls', 'net', 'tls'];
const EGRESS = 'Outbound requests go through src/platform/egress.';
const NO_SILENT_CATCH = { selector: 'CatchClause[param=null] > BlockStatement[body.length=0]', message: 'Say what happens to the error.' };
const LATE_IMPORT = `ImportExpression[source.value=/^(node:)?(https?|http2|net|tls)$|^(${HTTP_CLIENTS.join('|')})$/]`;
const NO_BACK_DOOR = 'A circle between modules: ask a reader, or listen to an event.';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'data/**', 'coverage/**', 'openapi/**', 'clients/typescript/src/schema.ts'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-empty': 'error',
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      // Nest's modules are classes with nothing in them but their decorator, and its handlers need no `this`.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowStaticOnly: true }],
      '@typescript-eslint/unbound-method': 'off',
      // Numbers and booleans read well in a template.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNullish: false }],
      // A row's shape is named at the query: `query<Row>(...)`. There is no other way to type plain SQL.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `async` without `await` keeps a promised signature, so that a refusal is a rejection and never a throw.
      '@typescript-eslint/require-await': 'off',
      // A view is a plain object with the shape of its class, which is there for the document alone.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `return reject(...)` in a callback is short for two lines.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Rows and views are plain objects behind their classes: they have no methods that a spread could lose.
      '@typescript-eslint/no-misused-spread': 'off',
      // It takes a flag that another turn of the event loop sets, or a row the database makes, for impossible.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/**/*.spec.ts'],
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 45, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': ['error', NO_SILENT_CATCH],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/platform/egress/**', 'src/**/*.spec.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'fetch', message: EGRESS }, { name: 'WebSocket', message: EGRESS }, { name: 'XMLHttpRequest', message: EGRESS }, { name: 'EventSource', message: EGRESS }],
      'no-restricted-properties': ['error', ...['globalThis', 'global'].flatMap((object) => ['fetch', 'WebSocket', 'EventSource'].map((property) => ({ object, property, message: EGRESS })))],
      'no-restricted-syntax': ['error', NO_SILENT_CATCH, { selector: LATE_IMPORT, message: EGRESS }],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            ...HTTP_CLIENTS.map((name) => ({ name, message: EGRESS, allowTypeImports: true })),
            ...NODE_HTTP.map((name) => ({ name, importNames: ['request', 'get', 'connect', 'Agent', 'ClientRequest', 'default'], message: EGRESS, allowTypeImports: true })),
            ...NODE_SOCKETS.map((name) => ({ name, importNames: ['connect', 'createConnection', 'Socket', 'TLSSocket', 'default'], message: EGRESS, allowTypeImports: true })),
            { name: '@nestjs/common', importNames: ['forwardRef'], message: NO_BACK_DOOR },
            { name: '@nestjs/core', importNames: ['ModuleRef'], message: NO_BACK_DOOR },
          ],
        },
      ],
    },
  },
  {
    // Programs that people run in a terminal.
    files: ['clients/runner/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts', 'test/torture/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { parser: tseslint.parser },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: { 'no-empty': 'error', eqeqeq: 'error', '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }] },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      // Bodies of answers are looked at, not trusted: a wrong guess fails the test.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
);
