import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createDatabase } from '../support/databases.js';
import { Launcher } from '../support/processes.js';

const readme = readFileSync('README.md', 'utf8');
const blockUnder = (heading: string): string => new RegExp(`^## ${heading}$[^]*?^\`\`\`sh\\n([^]*?)^\`\`\`$`, 'm').exec(readme)?.[1] ?? '';

describe('README.md', () => {
  const launcher = new Launcher();
  afterAll(() => launcher.clear());

  it('names the two commands, and both exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    expect(blockUnder('Two commands')).toBe('npm start\nnpm test\n');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'demo']));
  });

  it('shows a first task that works as it stands', async () => {
    const database = await createDatabase();
    try {
      const program = await launcher.start({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder() }).ready();
      const lines = blockUnder('A first task').replace('http://127.0.0.1:3000', program.url).replace('whs_...', program.said('Setup token') as string);
      expect(lines.match(/curl -s/g)).toHaveLength(5);
      // In a shell of its own, while this process only waits.
      const output = execFileSync('bash', ['-euo', 'pipefail', '-c', lines], { encoding: 'utf8' });
      const answers = output.trim().replaceAll('}{', '}\n{').split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(answers).toMatchObject([
        { title: 'Say hello', status: 'queued' },
        { title: 'Say hello', status: 'completed', result: { said: 'hello' }, fence: 1 },
      ]);
      program.signal('SIGTERM');
      await program.end();
    } finally {
      await database.drop();
    }
  }, 90_000);

  it('leads to documents that are there', () => {
    for (const [, target] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) expect(() => readFileSync(`${target}`)).not.toThrow(/ENOENT/);
  });
});
