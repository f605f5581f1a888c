import fc from 'fast-check';
import { operationsOf, type PlacedOperation, resolveSchema } from '../../src/platform/openapi/document.types.js';
import { someAddress } from '../support/factories.js';
import { startPlaneProcess } from '../support/processes.js';
import type { RunningPlane } from '../support/requests.js';
import { Answers } from './fuzz/answers.js';
import { Ground } from './fuzz/ground.js';
import { type FuzzRequest, requestsTo } from './fuzz/requests.js';
import { Sender } from './fuzz/sender.js';
import { committedDocument, requestSchema, successOf } from './openapi-document.js';

/** Set these to repeat what a run printed; FUZZ_ONLY takes the id of one operation. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 20_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const ONLY = process.env['FUZZ_ONLY'];
const AT_ONCE = 16;
/** Requests to one operation before the ground under them is looked at again. */
const ROUND = 75;
/** Where one request in two or three takes the ground away. */
const SHORT_ROUND = 12;
/** What costs as much as ten others gets a tenth of the requests. */
const COSTLY = 10;

const document = committedDocument();
const operations = operationsOf(document);

const endsSessions = ({ operation }: PlacedOperation): boolean => ['profile:write', 'security:write'].includes(operation['x-permission'] ?? '');

/** Hashes passwords, reads the whole audit log, or answers with whole files. */
function isCostly({ operation }: PlacedOperation): boolean {
  const fields = Object.keys(resolveSchema(requestSchema(operation) ?? {}, document.components.schemas).properties ?? {});
  const { type } = successOf(operation);
  const isBulk = JSON.stringify(operation['x-ratelimit'] ?? []).includes('audit-bulk');
  return isBulk || fields.some((field) => field.includes('password')) || (type !== undefined && type !== 'application/json') || operation.operationId === 'getOpenApi';
}

describe('requests made from the document, right and wrong', () => {
  let plane: RunningPlane;
  let sender: Sender;
  let sent = 0;
  const statuses = new Map<number, number>();
  const wrong = new Set<string>();
  const began = performance.now();

  beforeAll(async () => {
    plane = await startPlaneProcess({ TRUST_PROXY: 'loopback' });
    sender = new Sender(plane.url, AT_ONCE);
  }, 60_000);
  afterAll(async () => {
    sender.close();
    await plane.stop();
    const counts = [...statuses].toSorted(([one], [other]) => one - other).map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stdout.write(`fuzz: ${sent} requests to ${operations.length} operations in ${Math.round((performance.now() - began) / 1000)} s, FUZZ_SEED=${SEED} (${counts})\n`);
  });

  async function ask(placed: PlacedOperation, made: FuzzRequest, ground: Ground, answers: Answers): Promise<void> {
    sent += 1;
    const headers = { 'x-forwarded-for': someAddress(), ...made.headers, ...ground.headersOf(made.caller) };
    try {
      const answer = await sender.send(placed.method, made, headers);
      if ((answer.status === 401 || answer.status === 403) && !answer.text.includes('"code":"forbidden"') && ground.isInsider(made.caller)) ground.doubt();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      note(placed, made, answers.complaint(placed, answer, JSON.stringify(made)), `${answer.status} ${answer.text.slice(0, 2_000)}`);
    } catch (error) {
      note(placed, made, 'has no answer', String(error));
    }
  }

  /** One of a kind is enough to mend it. It is said at once: a run that is stopped early tells what it found. */
  function note(placed: PlacedOperation, made: FuzzRequest, complaint: string | undefined, answer: string): void {
    const { operationId } = placed.operation;
    const what = `${operationId}: ${complaint}`;
    if (complaint === undefined || wrong.has(what)) return;
    wrong.add(what);
    process.stderr.write(`fuzz: ${what}\n  ${placed.method.toUpperCase()} ${JSON.stringify(made)}\n  ${answer}\n  FUZZ_SEED=${SEED} FUZZ_REQUESTS=${REQUESTS} FUZZ_ONLY=${operationId}\n`);
  }

  it('are answered as the document says, without a failure and without a look inside', async () => {
    const answers = new Answers(document);
    const weight = (placed: PlacedOperation): number => (isCostly(placed) ? 1 / COSTLY : 1);
    const perWeight = REQUESTS / operations.reduce((sum, placed) => sum + weight(placed), 0);
    let ground = await Ground.make(plane, document);
    for (const [index, placed] of operations.entries()) {
      if (ONLY !== undefined && placed.operation.operationId !== ONLY) continue;
      let left = Math.ceil(perWeight * weight(placed));
      for (let round = 0; left > 0; round += 1) {
        ground = await ground.orAnother();
        let known = await ground.known(placed).catch(() => undefined);
        // Its rules may have come to refuse what is made to ask about.
        if (!known) ground = await ground.another();
        known ??= await ground.known(placed);
        const requests = fc.sample(requestsTo(placed, document, known), { numRuns: Math.min(left, endsSessions(placed) ? SHORT_ROUND : ROUND), seed: SEED + index * 1000 + round });
        left -= requests.length;
        await inParallel(requests, (made) => ask(placed, made, ground, answers));
      }
    }
    expect([...wrong]).toEqual([]);
  }, 600_000);
});

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
