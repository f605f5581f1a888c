import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMasterKeyFile, readMasterKeys, replaceMasterKeys } from './master-key-file.js';
import { newMasterKey } from './master-key.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-key-'));
  path = join(folder, 'data', 'master-key');
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o777;

describe('the file of the master key', () => {
  it('is made once, for its owner alone, with nothing left beside it', () => {
    expect([makeMasterKeyFile(path), makeMasterKeyFile(path)]).toEqual([true, false]);
    expect([modeOf(path), readdirSync(join(folder, 'data'))]).toEqual([0o600, ['master-key']]);
    const texts = readMasterKeys(path, 'own');
    expect(texts).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    makeMasterKeyFile(path);
    expect(readMasterKeys(path, 'own')).toEqual(texts);
  });

  it('that the plane made is refused when others can read it; a given one only when all can write it', () => {
    makeMasterKeyFile(path);
    for (const [mode, own, given] of [[0o600, true, true], [0o400, true, true], [0o640, false, true], [0o444, false, true], [0o660, false, true], [0o602, false, false], [0o666, false, false]] as const) {
      chmodSync(path, mode);
      const taken = (whose: 'own' | 'given'): boolean => {
        try {
          return readMasterKeys(path, whose).length === 1;
        } catch (error) {
          expect(error).toMatchObject({ name: 'StartupError', message: expect.stringMatching(/: chmod (600|o-w) \/.*master-key$/) });
          return false;
        }
      };
      expect([mode.toString(8), taken('own'), taken('given')]).toEqual([mode.toString(8), own, given]);
    }
  });

  it('is refused when it is not there, empty, or damaged, without a word of what is in it', () => {
    expect(() => readMasterKeys(path, 'own')).toThrow(/cannot be read \(ENOENT\)/);
    makeMasterKeyFile(path);
    for (const text of ['', '# nothing', `${newMasterKey()}\ncanary`, newMasterKey().slice(1), 'c'.repeat(64)]) {
      writeFileSync(path, text);
      expect(() => readMasterKeys(path, 'own')).toThrow(new RegExp(`^the master key in ${path} is damaged: put it back from a backup$`));
    }
  });

  it('is replaced in one step, behind a link too, and whoever could read it still can', () => {
    makeMasterKeyFile(path);
    const link = join(folder, 'link');
    symlinkSync(path, link);
    for (const [before, after] of [[0o600, 0o600], [0o640, 0o640], [0o444, 0o644], [0o777, 0o644]] as const) {
      chmodSync(path, before);
      const next = newMasterKey();
      replaceMasterKeys(link, [next]);
      expect([readMasterKeys(path, 'given'), modeOf(path), readFileSync(link, 'utf8').includes(next)]).toEqual([[next], after, true]);
    }
    expect([existsSync(link), readdirSync(join(folder, 'data'))]).toEqual([true, ['master-key']]);
    expect(() => replaceMasterKeys(join(folder, 'nowhere'), [newMasterKey()])).toThrow();
  });
});
