import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemo } from '../../scripts/demo/run.ts';
import { type FinishedTask, mistakesIn } from '../../scripts/demo/verify.ts';

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
