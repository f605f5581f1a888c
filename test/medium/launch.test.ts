import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Freshness {
  isInstalled(root: string): boolean;
  markInstalled(root: string): void;
  unmarkInstalled(root: string): void;
  isBuilt(root: string): boolean;
  buildHash(root: string): string;
  markBuilt(root: string, hash: string): void;
  unmarkBuilt(root: string): void;
}
interface Child {
  signalFilter(reachesChild: () => boolean): (name: string, now: number) => boolean;
  pathOutside(path: string, root: string): string;
}
interface Lock {
  withLock(path: string, work: (note: (pid: number) => void) => Promise<number>, onWait: (pid: number) => void): Promise<number>;
}

const load = async <T>(name: string): Promise<T> => (await import(resolve(`scripts/launch/${name}.mjs`))) as T;

let root: string;
let fresh: Freshness;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wheelhouse-launch-'));
  fresh = await load<Freshness>('freshness');
  await put('package.json', JSON.stringify({ scripts: { a: 'b' }, dependencies: { toy: '1.0.0' } }));
  await put('package-lock.json', lockFile('1.0.0'));
  await put('tsconfig.json', '{}');
  await put('src/main.ts', 'one');
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(root, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

function lockFile(version: string): string {
  const packages = {
    '': { dependencies: { toy: '1.0.0' } },
    'node_modules/toy': { version },
    'node_modules/elsewhere': { version: '1.0.0', optional: true },
  };
  return JSON.stringify({ packages });
}

describe('whether to install', () => {
  const installByHand = async () => {
    await put('node_modules/toy/package.json', '{}');
    await mkdir(join(root, 'node_modules/node/bin'), { recursive: true });
    await put('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/toy': { version: '1.0.0' } } }));
  };

  it('not when nothing that counts has changed', async () => {
    expect(fresh.isInstalled(root)).toBe(false);
    await mkdir(join(root, 'node_modules'));
    expect(fresh.isInstalled(root)).toBe(false);
    fresh.markInstalled(root);
    expect(fresh.isInstalled(root)).toBe(true);
    await put('package.json', JSON.stringify({ scripts: { a: 'changed' }, dependencies: { toy: '1.0.0' } }));
    expect(fresh.isInstalled(root)).toBe(true);
    await put('package.json', JSON.stringify({ dependencies: { toy: '1.0.0' }, allowScripts: { toy: true } }));
    expect(fresh.isInstalled(root)).toBe(false);
  });

  it('again when the lock file has changed', async () => {
    await installByHand();
    fresh.markInstalled(root);
    await put('package-lock.json', lockFile('1.0.1'));
    expect(fresh.isInstalled(root)).toBe(false);
  });

  it('not when somebody ran npm ci by hand', async () => {
    await installByHand();
    expect(fresh.isInstalled(root)).toBe(true);
    expect(existsSync(join(root, 'node_modules/.installed'))).toBe(true);
  });

  it('again after an installation that was cut short', async () => {
    await installByHand();
    fresh.markInstalled(root);
    fresh.unmarkInstalled(root);
    expect(fresh.isInstalled(root)).toBe(false);
    await installByHand();
    await utimes(join(root, 'node_modules/toy'), new Date(), new Date(Date.now() + 60_000));
    expect(fresh.isInstalled(root)).toBe(false);
    await rm(join(root, 'node_modules/toy'), { recursive: true });
    expect(fresh.isInstalled(root)).toBe(false);
  });
});

describe('whether to build', () => {
  const build = async (...outputs: string[]) => {
    for (const output of ['main.js', ...outputs]) await put(`dist/${output}`, '');
    fresh.markBuilt(root, fresh.buildHash(root));
  };

  it.each(['src/main.ts', 'src/new/file.ts', 'tsconfig.build.json', 'nest-cli.json', 'package-lock.json'])(
    'again when %s has changed',
    async (path) => {
      await build();
      expect(fresh.isBuilt(root)).toBe(true);
      await put('src/main.spec.ts', 'a unit test is not built');
      expect(fresh.isBuilt(root)).toBe(true);
      await put(path, 'changed');
      expect(fresh.isBuilt(root)).toBe(false);
    },
  );

  it('again when its result is gone or unfinished', async () => {
    await build();
    await put('dist/.tsbuildinfo', '{}');
    await rm(join(root, 'dist/main.js'));
    expect(fresh.isBuilt(root)).toBe(false);
    fresh.unmarkBuilt(root);
    expect(existsSync(join(root, 'dist/.tsbuildinfo'))).toBe(false);
    await put('dist/main.js', '');
    expect(fresh.isBuilt(root)).toBe(false);
  });

  it('without leaving what was made of removed files', async () => {
    await put('src/migrations/kept.ts', '');
    await build(
      'main.js.map',
      'migrations/kept.js',
      'migrations/removed.js',
      'migrations/removed.js.map',
      'migrations/removed.d.ts',
      'openapi.json',
    );
    const left = ['main.js', 'main.js.map', 'migrations/kept.js', 'openapi.json'];
    for (const path of left) expect([path, existsSync(join(root, 'dist', path))]).toEqual([path, true]);
    for (const path of ['removed.js', 'removed.js.map', 'removed.d.ts'])
      expect([path, existsSync(join(root, 'dist/migrations', path))]).toEqual([path, false]);
  });
});

describe('signals', () => {
  it('go to the program once, and not at all when the terminal has sent them', async () => {
    const { signalFilter } = await load<Child>('child');
    const alone = signalFilter(() => false);
    expect([alone('SIGINT', 0), alone('SIGINT', 900), alone('SIGTERM', 950), alone('SIGINT', 1100)]).toEqual([true, false, true, true]);
    const inTerminal = signalFilter(() => true);
    expect([inTerminal('SIGINT', 0), inTerminal('SIGTERM', 1)]).toEqual([false, true]);
  });
});

describe('one at a time', () => {
  it('waits for a living holder, also for the program that a killed holder left at work', async () => {
    const { withLock } = await load<Lock>('lock');
    const path = join(root, 'dist/.launch.lock');
    const order: string[] = [];
    const left = spawn('sleep', ['60'], { stdio: 'ignore' });
    children.add(left);
    await withLock(
      path,
      async (note) => {
        note(left.pid ?? 0);
        // As if the holder had been killed here: its own line no longer names a living process.
        const text = await readFile(path, 'utf8');
        await writeFile(path, text.replace(/^\d+ .*\n/, '1 long ago\n'));
        return 0;
      },
      () => undefined,
    );
    const second = withLock(
      path,
      () => Promise.resolve(order.push('worked')),
      (pid) => order.push(`waited for ${pid}`),
    );
    await sleep(300);
    left.kill('SIGKILL');
    await second;
    expect(order).toEqual([`waited for ${left.pid}`, 'worked']);
    expect(existsSync(path)).toBe(false);
  });

  it('is not kept out by a lock of a process that is gone', async () => {
    const { withLock } = await load<Lock>('lock');
    const path = join(root, 'dist/.launch.lock');
    await put('dist/.launch.lock', `${process.pid} long ago\n0.5\n`);
    const never = () => {
      throw new Error('it must not wait');
    };
    expect(await withLock(path, () => Promise.resolve(5), never)).toBe(5);
  });
});

describe('the whole command, on a toy project that is installed and built', () => {
  const TOY = `
    process.on('SIGTERM', () => { console.log('got SIGTERM'); setTimeout(() => process.exit(7), 1300); });
    console.log('args', process.argv.slice(2).join());
    if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
    if (process.argv[2] === 'die') process.kill(process.pid, 'SIGKILL');
    setInterval(() => undefined, 1000);`;

  const launch = async (...args: string[]) => {
    await cp(resolve('scripts/launch.mjs'), join(root, 'scripts/launch.mjs'));
    await cp(resolve('scripts/launch'), join(root, 'scripts/launch'), { recursive: true });
    await put('dist/main.js', TOY);
    await put('toy.cjs', TOY);
    await mkdir(join(root, 'node_modules'), { recursive: true });
    fresh.markInstalled(root);
    fresh.markBuilt(root, fresh.buildHash(root));
    const child = spawn(process.execPath, [join(root, 'scripts/launch.mjs'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    const ended = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null, said }));
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
    return { child, ended, said: () => said };
  };

  it('passes arguments and the exit code on', async () => {
    expect(await (await launch('start', 'exit', '3')).ended).toMatchObject({ code: 3, said: 'args exit,3\n' });
    expect(await (await launch('run', 'toy.cjs', 'exit', '0')).ended).toMatchObject({ code: 0, said: 'args exit,0\n' });
    expect(await (await launch('build')).ended).toMatchObject({ code: 0, said: '' });
    expect(await (await launch('what')).ended).toMatchObject({ code: 2, said: expect.stringMatching(/^usage: /) as string });
  });

  it('answers 128 + n when signal n ended the program', async () => {
    expect(await (await launch('start', 'die')).ended).toMatchObject({ code: 137, signal: null });
  });

  it('forwards a repeated signal once and waits for the program', async () => {
    const { child, ended, said } = await launch('start', 'stay');
    while (!said().includes('args')) await sleep(20);
    child.kill('SIGTERM');
    await sleep(100);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 7, said: 'args stay\ngot SIGTERM\n' });
  });
});
