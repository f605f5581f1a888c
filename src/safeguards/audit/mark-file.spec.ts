import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signCheckpoint } from '../../core/audit/checkpoint.js';
import { EMPTY_ROOT } from '../../core/audit/merkle.js';
import type { Mark } from '../../core/audit/restore-statement.js';
import { type KnownKey, MarkFile, type Remembered } from './mark-file.js';

const INSTALLATION = randomUUID();
const key = generateKeyPairSync('ed25519').privateKey;
const mark = (size: number): Mark => {
  const checkpoint = { origin: 'log/tenant', size, root: EMPTY_ROOT, time: '2026-01-31T09:30:00.000Z' };
  return { size, root: checkpoint.root, time: checkpoint.time, note: signCheckpoint(checkpoint, { name: 'log', key }) };
};

describe('the file of marks', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-mark-file-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const path = (): string => join(folder, `audit-marks.${INSTALLATION}.jsonl`);
  const written = async (...marks: (readonly [string, Mark])[]): Promise<MarkFile> => {
    const file = new MarkFile(folder, INSTALLATION);
    await file.load();
    await file.write(said(marks), said(marks));
    return file;
  };
  const said = (marks: Iterable<readonly [string, Mark]>, key?: KnownKey, holds: Remembered['holds'] = new Map()): Remembered => ({ marks: new Map(marks), key, holds });
  const read = async (): Promise<Record<string, number>> => Object.fromEntries([...((await new MarkFile(folder, INSTALLATION).load())?.marks ?? [])].map(([tenant, { size }]) => [tenant, size]));

  it('holds the last mark of each tenant, closed to other accounts', async () => {
    const file = await written(['a', mark(1)], ['b', mark(5)]);
    await file.write(said([['a', mark(2)]]), said([['a', mark(2)], ['b', mark(5)]]));
    expect(await file.load()).toBeUndefined();
    expect(await read()).toEqual({ a: 2, b: 5 });
    expect(readFileSync(path(), 'utf8').trim().split('\n')).toHaveLength(3);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('gets over a line that broke off, and keeps what was before it', async () => {
    await written(['a', mark(1)]);
    appendFileSync(path(), '{"tenant_id":"a","size":9,"che');
    expect(await read()).toEqual({ a: 1 });
    const file = new MarkFile(folder, INSTALLATION);
    await file.load();
    await file.write(said([['a', mark(3)]]), said([['a', mark(3)]]));
    expect(await read()).toEqual({ a: 3 });
  });

  it('holds the key that signs beside them, also when it is written anew', async () => {
    const file = await written(['a', mark(1)]);
    const [one, two]: KnownKey[] = ['one', 'two'].map((key) => ({ key, since: '2026', handovers: ['note'] }));
    await file.write(said([], one), said([['a', mark(1)]], one));
    await file.write(said([['a', mark(2)]]), said([['a', mark(2)]], one));
    expect((await new MarkFile(folder, INSTALLATION).load())?.key).toEqual(one);
    await file.write(said([], two), said([['a', mark(2)]], two));
    appendFileSync(path(), '{"key":{"key":"thr');
    expect((await new MarkFile(folder, INSTALLATION).load())?.key).toEqual(two);
    const other = new MarkFile(folder, INSTALLATION);
    await other.load();
    await other.write(said([['a', mark(3)]]), said([['a', mark(3)]], two));
    expect((await new MarkFile(folder, INSTALLATION).load())?.key).toEqual(two);
    expect(await read()).toEqual({ a: 3 });
  });

  it('holds which logs are held, until they are not', async () => {
    const file = await written(['a', mark(1)]);
    const [one, two] = [{ tx: '17', id: 'x' }, { tx: '18', id: 'y' }];
    await file.write(said([], undefined, new Map([['a', one], ['b', one], ['c', one]])), said([['a', mark(1)]]));
    await file.write(said([], undefined, new Map([['a', two], ['b', undefined]])), said([['a', mark(1)]]));
    expect((await new MarkFile(folder, INSTALLATION).load())?.holds).toEqual(new Map([['a', two], ['b', undefined], ['c', one]]));
    expect(await read()).toEqual({ a: 1 });
  });

  it('does not grow without end', async () => {
    const all = new Map(Array.from({ length: 500 }, (_, index) => [`tenant ${index}`, mark(index)]));
    const file = new MarkFile(folder, INSTALLATION);
    for (let round = 0; round < 40; round += 1) await file.write(said(all), said(all));
    expect(statSync(path()).size).toBeLessThan(2 << 20);
    expect(Object.keys(await read())).toHaveLength(500);
  });

  it('tells of other installations, of nothing else', async () => {
    await written(['a', mark(1)]);
    writeFileSync(join(folder, 'jwt-secret'), '');
    const other = randomUUID();
    writeFileSync(join(folder, `audit-marks.${other}.jsonl`), '');
    expect((await new MarkFile(folder, INSTALLATION).others()).map(({ installation }) => installation)).toEqual([other]);
    expect(await new MarkFile(join(folder, 'none'), INSTALLATION).others()).toEqual([]);
  });
});
