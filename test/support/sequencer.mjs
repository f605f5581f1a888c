import { createRequire } from 'node:module';

/** Jest's own: what failed last time, then what took longest, or without a last time the largest files. */
const require = createRequire(createRequire(import.meta.url).resolve('jest'));
const { default: Sequencer } = require('@jest/test-sequencer');

/** Long suites in small files: begun last, they would run alone at the end while the other workers have nothing left. */
const FIRST = ['contract/fuzz.test.ts', 'contract/authorisation.test.ts'];
const rank = ({ path }) => (FIRST.findIndex((end) => path.replaceAll('\\', '/').endsWith(end)) + FIRST.length + 1) % (FIRST.length + 1);

export default class LongOnesFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
