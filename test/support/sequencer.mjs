import { createRequire } from 'node:module';

/** Jest's own: what failed last time, then what took longest, or without a last time the largest files. */
const require = createRequire(createRequire(import.meta.url).resolve('jest'));
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Suites that take longest, longest first: begun last, one would run alone at the end while the other workers have nothing
 * left. It is a list because a fresh clone knows no last time, and because a busy machine makes last times up.
 */
const FIRST = [
  'contract/fuzz',
  'contract/authorisation',
  'e2e/process-stop',
  'medium/jobs',
  'e2e/process-start',
  'medium/embedded-postgres',
  'e2e/kms',
  'medium/event-consumers',
  'e2e/audit-tampering',
  'e2e/runner',
  'e2e/compliance-purge',
  'e2e/realtime',
  'e2e/canary-sweep',
  'medium/compliance-export',
  'e2e/topology',
].map((name) => `${name}.test.ts`);
const rank = ({ path }) => (FIRST.findIndex((end) => path.replaceAll('\\', '/').endsWith(end)) + FIRST.length + 1) % (FIRST.length + 1);

export default class LongOnesFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
