import { generateKeyPairSync } from 'node:crypto';
import { BUNDLE_FORMAT, type BundleHeader, writeLine } from './bundle.js';
import { type Known, verifyBundle } from './bundle-verifier.js';
import { type NoteKey, signCheckpoint, verifierKey } from './checkpoint.js';
import { ErasedDigest, signStatement } from './export-statement.js';
import { signHandover } from './key-handover.js';
import { contentHash, leafOf, type LeafRow } from './leaf.js';
import { GrowingTree } from './merkle.js';

const newKey = (): NoteKey => ({ name: 'log', key: generateKeyPairSync('ed25519').privateKey });
const [old, next] = [newKey(), newKey()];
const at = (minute: number): string => `2026-01-31T09:${String(minute).padStart(2, '0')}:00.000Z`;
const REPLACED = at(30);
const SALT = Buffer.alloc(32, 1);
const handover = signHandover(old, next, REPLACED);

function rowOf(seq: number): LeafRow {
  return {
    tenant_id: 'tenant', id: `row ${seq}`, actor_kind: 'user', actor_id: 'x', action: 'task.create', outcome: 'done', resource_type: null, resource_id: null,
    request_id: null, occurred_at: at(seq), content_hash: contentHash(SALT, 'null').toString('hex'), ...(seq === 0 ? {} : { subject: `agent/${seq}` }),
  };
}

interface Signed {
  by: NoteKey;
  minute: number;
}

/** An export of as many rows as there are checkpoints: who signed each, and when; then its end. */
function bundle(checkpoints: readonly Signed[], end: Signed, change: Partial<BundleHeader> = {}): string[] {
  const tree = new GrowingTree();
  const [notes, rows]: [string[], string[]] = [[], []];
  for (const [seq, { by, minute }] of checkpoints.entries()) {
    const leafHash = leafOf(rowOf(seq), seq);
    tree.append(leafHash);
    notes.push(writeLine({ checkpoint: signCheckpoint({ origin: 'log/tenant', size: tree.size, root: tree.root(), time: at(minute) }, by) }));
    rows.push(writeLine({ seq, leaf_hash: leafHash.toString('base64'), row: rowOf(seq), content: 'null', salt: SALT.toString('base64') }));
  }
  const header: BundleHeader = { format: BUNDLE_FORMAT, origin: 'log/tenant', tenant_id: 'tenant', keys: [old, next].map(verifierKey), handovers: [handover], size: tree.size, exported_at: at(end.minute), ...change };
  const note = signStatement({ origin: 'log/tenant', size: tree.size, root: tree.root(), time: at(end.minute), erased: new ErasedDigest().value }, end.by);
  return [writeLine({ header }), ...notes, ...rows, writeLine({ end: { rows: tree.size, note } })].map((line) => line.trimEnd());
}

async function found(lines: readonly string[], known?: Known): Promise<string | undefined> {
  const given = (async function* () {
    yield* lines;
  })();
  return (await verifyBundle(given, known)).finding?.kind;
}

describe('an export over the replacement of a key', () => {
  const by = (key: NoteKey, minute: number): Signed => ({ by: key, minute });
  const before = [by(old, 1), by(old, 2)];
  const knows = (...keys: NoteKey[]): Known => ({ keys: keys.map(verifierKey) });

  it('is right with either key, and with both', async () => {
    const whole = bundle([...before, by(next, 31)], by(next, 40));
    for (const known of [undefined, knows(old), knows(next), knows(old, next)]) expect(await found(whole, known)).toBeUndefined();
  });

  it('is not believed where the old key signs later than it was replaced, by the time or by what the new one had signed', async () => {
    expect(await found(bundle([...before, by(next, 31), by(old, 32)], by(next, 40)))).toBe('unsigned');
    expect(await found(bundle([...before, by(next, 31), by(old, 29)], by(next, 40)))).toBe('unsigned');
  });

  it('is not believed where the old key says that it is whole', async () => {
    for (const minute of [29, 40]) expect(await found(bundle([...before, by(next, 31)], by(old, minute)))).toBe('unsigned');
  });

  it('is not believed where a key that came before leads elsewhere', async () => {
    const thief = newKey();
    const stolen = bundle([by(thief, 41)], by(thief, 42), { keys: [old, next, thief].map(verifierKey), handovers: [handover, signHandover(old, thief, REPLACED)] });
    expect(await found(stolen, knows(next))).toBe('unsigned');
    expect(await found(stolen, { ...knows(old), handovers: [handover] })).toBe('unsigned');
  });

  it('from before it is what it was', async () => {
    const earlier = bundle(before, by(old, 3), { keys: [verifierKey(old)], handovers: [] });
    for (const known of [undefined, knows(old), { ...knows(old, next), handovers: [handover] }]) expect(await found(earlier, known)).toBeUndefined();
    const later = bundle([...before, by(old, 31)], by(old, 32), { keys: [verifierKey(old)], handovers: [] });
    expect(await found(later, { ...knows(old, next), handovers: [handover] })).toBe('unsigned');
  });
});

describe('an export of rows that say whose content they have, behind one from before', () => {
  const whole = bundle([{ by: old, minute: 1 }, { by: old, minute: 2 }, { by: old, minute: 3 }], { by: old, minute: 4 }, { handovers: [] });
  const changed = (from: string, to: string): string[] => whole.map((line) => line.replace(from, to));

  it('is right, also as exports were called before', async () => {
    expect(await found(whole)).toBeUndefined();
    expect(await found(changed(BUNDLE_FORMAT, 'wheelhouse-audit/2'))).toBeUndefined();
    await expect(found(changed(BUNDLE_FORMAT, 'wheelhouse-audit/1'))).rejects.toThrow('wheelhouse-audit/3');
  });

  it('is found changed where a row is given to somebody else, or passed off as one of the other kind', async () => {
    const named = async (lines: readonly string[]): Promise<string> => {
      const given = (async function* () {
        yield* lines;
      })();
      const { finding } = await verifyBundle(given);
      return `${finding?.kind} ${finding?.seq}`;
    };
    expect(changed('"subject":"agent/1"', '"subject":"agent/9"')).not.toEqual(whole);
    expect(await named(changed('"subject":"agent/1"', '"subject":"agent/9"'))).toBe('edited 1');
    expect(await named(changed('"subject":"agent/1"', '"subject":null'))).toBe('edited 1');
    expect(await named(changed(',"subject":"agent/2"', ''))).toBe('edited 2');
    const [first = ''] = whole.filter((line) => line.includes('"id":"row 0"'));
    expect(await named(whole.map((line) => (line === first ? line.replace(/("content_hash":"[0-9a-f]+")/, '$1,"subject":null') : line)))).toBe('edited 0');
  });
});
