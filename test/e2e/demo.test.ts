import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectNode } from '../../scripts/demo/plane-process.ts';
import { runDemo } from '../../scripts/demo/run.ts';
import { type FinishedTask, mistakesIn } from '../../scripts/demo/verify.ts';
import { parseReleaseOptions } from '../../scripts/demo/workflow/options.ts';
import { isGenuine } from '../../scripts/demo/workflow/receiver.ts';
import { mistakesIn as mistakesOfRelease } from '../../scripts/demo/workflow/verify.ts';

describe('the demo', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wheelhouse-files-'));
    for (let n = 0; n < 60; n++)
      writeFileSync(join(folder, `file-${n}.txt`), `${'a line\n'.repeat(n * 50)}${n % 2 === 0 ? 'no line feed at the end' : ''}`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has every file done once and right, although one agent is killed and one frozen past its lease', async () => {
    const report = await runDemo({ folder, limit: 1_000, concurrency: 2, leaseSeconds: 5, print: () => undefined });
    expect(report.mistakes).toEqual([]);
    expect(report.files).toBe(60);
    const [, killed, frozen] = report.agents;
    expect(killed?.fate).toMatch('kill -9');
    expect(frozen?.lateResults).toBeGreaterThan(0);
  }, 180_000);

  it('would notice a file that is missing, done twice, or wrong', () => {
    const path = join(folder, 'file-1.txt');
    const attempt = { fence: 1, attempt: 1, agent_id: 'a', outcome: 'completed', error: null };
    const right: FinishedTask = {
      id: '1',
      status: 'completed',
      payload: { path },
      result: { sha256: '14ed2bbdac1dd20b8ac4a09d1ea71b0b7d1f1dd1b3c9a36bd1d2a06f5ab4d0f5', lines: 50, bytes: 350 },
      attempt_history: [attempt],
    };
    expect(mistakesIn([path], [])).toEqual([`${path}: has no task`]);
    expect(mistakesIn([path], [right, right])).toEqual([`${path}: has 2 tasks`]);
    expect(mistakesIn([path], [right])).toEqual([`${path}: wrong sha256`]);
    const twice = { ...right, attempt_history: [attempt, { ...attempt, fence: 2 }] };
    expect(mistakesIn([path], [twice])).toContain(`${path}: was completed 2 times`);
    expect(mistakesIn([], [right])).toEqual([`${path}: nobody asked for it`]);
  });
});

describe('the demo of a workflow', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-drawing-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('releases what agents have checked and another person approved, although the process that started it is killed', async () => {
    const out = join(folder, 'release.svg');
    const { stdout } = await promisify(execFile)(projectNode(), [join('scripts', 'demo.mjs'), 'workflow', '--yes', '--out', out]);
    expect(stdout).toMatch(/^The release of \S+ runs in two processes/);
    expect(stdout).toMatch(/Release \S+\? \d+ lines in \d+ files, \d+ tests passed, 0 warnings\. Yes/);
    expect(stdout).toContain('The release went out');
    expect(readFileSync(out, 'utf8')).toMatch(/^<svg.*publish/s);
  }, 180_000);

  it('would notice whatever went another way', () => {
    const out = join(folder, 'drawing.svg');
    writeFileSync(out, '<svg>');
    const task = { id: '1', status: 'completed', payload: { path: '' }, result: null, attempt_history: [] };
    const run = { id: 'run', status: 'failed', output: { released: true, checks: {} }, error: null, waits: [], steps: [{ path: 'ask', status: 'completed', attempts: [{ outcome: 'failed' }, { outcome: 'completed' }] }] };
    const approval = { id: '2', title: '', description: null, status: 'approved', requested_by_id: 'me', decisions: [{ by_id: 'me', verdict: 'approved' }] };
    const mistakes = mistakesOfRelease({ run, approved: false, killed: false, approval, tasks: [task], audit: { ok: false }, out }, { received: [], refused: 1, secret: 'whsec_' });
    expect(mistakes).toEqual([
      'the process that was killed still runs', 'the run is failed: ', 'it was released', 'the audit log is not whole', 'there are 1 tasks for 3 checks', 'the task 1 is completed and was completed 0 times',
      'the step ask was tried 2 times', expect.stringMatching(/^there are \d+ lines, not undefined$/), 'the approval is approved', 'it was decided 1 times', 'who asked has decided',
      '0 webhooks say that the run is completed', '1 webhooks had a wrong signature', 'the drawing lacks ask',
    ]);
  });

  it('takes no message that somebody else signed, or that is old', () => {
    const body = Buffer.from('{"type":"workflow.run"}');
    const now = Math.floor(Date.now() / 1000);
    const signed = (secret: string, time: number): Record<string, string> => {
      const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(`id.${time}.`).update(body).digest('base64');
      return { 'webhook-id': 'id', 'webhook-timestamp': String(time), 'webhook-signature': `v1,${mac}` };
    };
    const [ours, theirs] = [Buffer.from('ours').toString('base64'), Buffer.from('theirs').toString('base64')];
    expect([signed(ours, now), signed(theirs, now), signed(ours, now - 301), {}].map((headers) => isGenuine(`whsec_${ours}`, headers, body))).toEqual([true, false, false, false]);
    expect(isGenuine(`whsec_${ours}`, signed(ours, now), Buffer.from('{}'))).toBe(false);
  });

  it('begins nothing where nobody could be asked', () => {
    expect(() => parseReleaseOptions([], false)).toThrow('no terminal');
    expect(() => parseReleaseOptions(['--what'], true)).toThrow('--what');
    expect(parseReleaseOptions(['--yes', '--out', '/tmp/x.svg'], false)).toMatchObject({ yes: true, out: '/tmp/x.svg' });
  });
});
