/**
 * Loaded into the plane's processes by `npm run torture -- --plant NAME` (its name stands behind a question mark): takes
 * out what a promise rests on, so that the checker can show that it notices.
 */
import { editSources } from './edit-source.mjs';

const PLANTS = {
  // The check of fence and owner in every write under a lease. The parameters stay, or PostgreSQL could not tell their types.
  'no-fence': {
    file: '/dist/work/tasks/leases.repository.js',
    edits: ['task.fence = input.fence and task.claimed_by = input.agent_id', 'task.fence = i.fence and task.claimed_by = i.agent_id', 'task.claimed_by = $3 and task.fence = $4'].map((check) => [
      check,
      `(true or (${check}))`,
    ]),
  },
  // A revocation is heard, confirmed, and forgets nothing.
  'deaf-cache': { file: '/dist/platform/cache/revocable-cache.js', edits: [['this.entries.delete(key);', 'void key;']] },
  // Some rows are read and passed by.
  'skipping-sequencer': {
    file: '/dist/safeguards/audit/log-sealer.js',
    edits: [['for (const row of rows)', "for (const row of rows.filter(({ row: { id } }) => !id.endsWith('0')))"]],
  },
  // The keys of tenants themselves are put under the new master key wrongly; a second rotation does not make them right again. Loaded into the rotation, not into the planes.
  'wrong-wrap': {
    file: '/dist/platform/crypto/key-rotation.js',
    edits: [["return await next.wrap(plain, aboutKey(row));", "if (row.subject_type === 'tenant') plain[0] += 1; return await next.wrap(plain, aboutKey(row));"]],
  },
  // What was approved is done again, whoever asks.
  'double-redeem': {
    file: '/dist/safeguards/approvals/approval-grants.service.js',
    edits: [
      ['if (row.redeemed_at || (await this.log.wasDone(', 'if (false && (await this.log.wasDone('],
      ['if (!(await this.repository.redeem(tenant_id, id)))', 'if (!(await this.repository.redeem(tenant_id, id)) && false)'],
    ],
  },
  // Some of what happened to runs is taken and not heard.
  'lost-fact': { file: '/dist/core/workflows/transition.js', edits: [['async function hear(pass, fact) {', "async function hear(pass, fact) {\n    if (/[048c]$/.test(fact.id)) return;"]] },
  // What a step wants is made twice.
  'double-effect': {
    file: '/dist/work/workflows/engine/consequences.service.js',
    edits: [['facts.push(...(await this.makerOf(kind).make(effects)));', 'facts.push(...(await this.makerOf(kind).make(effects)), ...(await this.makerOf(kind).make(effects.map((effect) => ({ ...effect, id: newId() })))));']],
  },
  // Each time a call is made it has another key.
  'new-key': { file: '/dist/work/workflows/engine/call-job.js', edits: [["'idempotency-key': keyOf(order)", "'idempotency-key': `${keyOf(order)}#${Date.now()}`"]] },
  // As many calls as like to see whether a target is well again.
  'extra-probe': { file: '/dist/safeguards/circuit-breakers/circuit-breaker.machine.js', edits: [["return state === 'half_open' && underWay < most", "return state === 'half_open' || (underWay < most"], ['Math.max(most, enough);', 'Math.max(most, enough));']] },
  // Of what an agent wrote only the first kind is erased.
  'forgetful-purge': {
    file: '/dist/operations/compliance/erasing.service.js',
    edits: [['for (const content of this.erasures.agentContents)', 'for (const content of this.erasures.agentContents.slice(0, 1))']],
  },
};

const plant = PLANTS[new URL(import.meta.url).search.slice(1)];
if (!plant) throw new Error('nothing is known by this name');

editSources([plant]);
