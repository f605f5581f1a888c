const WINGS = ['identity', 'fleet', 'safeguards', 'work', 'records', 'channels', 'library', 'operations'];

/** A wing depends on those before it, never on a later one. */
const wingOrder = WINGS.slice(0, -1).map((wing, index) => ({
  name: `wing-order-${wing}`,
  comment: 'Who asks stands later in the list; who must react to something later in the list listens to its event.',
  severity: 'error',
  from: { path: `^src/${wing}/`, pathNot: '\\.spec\\.ts$' },
  to: { path: `^src/(${WINGS.slice(index + 1).join('|')})/`, pathNot: '\\.events\\.ts$' },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'In ESM a circle of imports fails at run time, sometimes.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-stands-alone',
      comment: 'core/ is plain TypeScript: nothing of ours, no Nest, no TypeORM.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/(?!core/)|node_modules/(@nestjs|typeorm|express)' },
    },
    {
      name: 'platform-knows-no-domain',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: '^src/(?!core/|platform/)', pathNot: '^src/migrations/all\\.ts$' },
    },
    {
      name: 'migrations-stand-on-the-platform',
      severity: 'error',
      from: { path: '^src/migrations/' },
      to: { path: '^src/(?!core/|platform/database/|migrations/)' },
    },
    ...wingOrder,
    {
      name: 'domains-ask-readers',
      comment: "Another domain's reader, port, events or module, or a view that its answer embeds; never its service, repository or entity.",
      severity: 'error',
      from: { path: `^src/(${WINGS.join('|')})/([^/]+)/`, pathNot: '\\.spec\\.ts$' },
      to: { path: `^src/(${WINGS.join('|')})/`, pathNot: ['^src/$1/$2/', '\\.(reader|port|events|module|view)\\.ts$'] },
    },
    {
      name: 'nothing-imports-the-app',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: '^src/tools/' },
      to: { path: '^src/[^/]+\\.ts$' },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '\\.spec\\.ts$|^test/' },
    },
    {
      name: 'packages-are-declared',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.d\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
