/** How SWC reads what is tested and what tests it: decorators as Nest and TypeORM want them. */
export const swcOptions = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  // Beside the code: within it, every suite would read three times as much, and only a stack trace needs them.
  sourceMaps: true,
};
