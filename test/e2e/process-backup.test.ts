import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { usedDataFolder } from '../support/data-template.js';
import { ADMIN_TOKEN } from '../support/requests.js';
import { Launcher, type Program } from '../support/processes.js';

/** What docs/operations.md tells operators of the embedded database to do. */
describe('a copy of the data folder of a stopped plane', () => {
  const launcher = new Launcher();
  afterAll(() => launcher.clear());

  const titles = async (program: Program): Promise<unknown[]> => {
    const { body } = await program.request<{ items: { title: string }[] }>('GET', '/api/v1/tasks', { token: ADMIN_TOKEN });
    return body.items.map(({ title }) => title).sort();
  };
  const add = (program: Program, title: string) => program.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title } });
  const stop = async (program: Program): Promise<void> => {
    program.signal('SIGTERM');
    expect((await program.end()).code).toBe(0);
  };

  it('is a backup: it starts elsewhere with everything, and apart from the original', async () => {
    const [original, backup] = [await usedDataFolder(launcher), await launcher.dataFolder()];
    const first = await launcher.start({ WHEELHOUSE_DATA: original, ADMIN_TOKEN }).ready();
    await add(first, 'Before the backup');
    await stop(first);
    execFileSync('cp', ['-a', original, backup]);

    const again = await launcher.start({ WHEELHOUSE_DATA: original, ADMIN_TOKEN }).ready();
    await add(again, 'After the backup');
    const restored = await launcher.start({ WHEELHOUSE_DATA: backup, ADMIN_TOKEN }).ready();
    expect(await titles(again)).toEqual(['After the backup', 'Before the backup']);
    expect(await titles(restored)).toEqual(['Before the backup']);
    expect((await add(restored, 'After the restore')).status).toBe(201);
    expect(await titles(again)).not.toContain('After the restore');
    expect(readFileSync(`${backup}/jwt-secret`, 'utf8')).toBe(readFileSync(`${original}/jwt-secret`, 'utf8'));
  }, 90_000);
});
