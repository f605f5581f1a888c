import { createRequire } from 'node:module';

/** Jest's own: what failed last time, then what took longest, or without a last time the largest files. */
const require = createRequire(createRequire(import.meta.url).resolve('jest'));
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Suites that take more than ten seconds, longest first: begun last, one would run alone at the end while the other workers
 * have nothing left. Some that mostly wait stand before their time, beside those that keep a processor busy. It is a list because a fresh clone knows no last time, and because a busy machine makes last times up.
 */
const FIRST = [
  'medium/jobs',
  'contract/fuzz',
  'contract/authorisation',
  'medium/embedded-postgres',
  'e2e/process-stop',
  'e2e/process-start',
  'medium/workflow-scale',
  'e2e/runner',
  'contract/authorisation-writes',
  'medium/event-consumers',
  'e2e/process-webhooks',
  'e2e/keys-rotate',
  'e2e/audit-tampering',
  'e2e/kms',
  'e2e/process-backup',
  'e2e/topology',
  'e2e/demo',
  'e2e/canary-sweep',
  'e2e/tasks-leases',
  'e2e/process-breakers',
  'medium/compliance-export',
  'e2e/audit-restores',
  'e2e/audit-sealing',
  'e2e/heartbeat',
  'contract/document',
  'e2e/realtime',
  'e2e/audit-key-return',
  'e2e/audit-holds',
  'e2e/process-sequencer',
  'medium/lease-locks',
  'e2e/triggers',
  'e2e/tenants-limits',
  'e2e/workflow-runs',
  'e2e/mfa',
  'e2e/compliance-purge',
].map((name) => `${name}.test.ts`);
const rank = ({ path }) => (FIRST.findIndex((end) => path.replaceAll('\\', '/').endsWith(end)) + FIRST.length + 1) % (FIRST.length + 1);

export default class LongOnesFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
