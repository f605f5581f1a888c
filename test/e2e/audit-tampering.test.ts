import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leafOf } from '../../src/core/audit/leaf.js';
import { exported, newestCheckpoint, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { type Run, tamperWith } from '../support/audit-tampering.js';
import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createAgent, createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

let plane: Plane;
let tenantId: string;
let admin: SignedIn;
let size: number;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
beforeEach(async () => {
  ({ id: tenantId } = await createTenant(plane));
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
  // Several checkpoints, so that there are rows between two of them.
  for (let count = 0; count < 3; count += 1) {
    for (let task = 0; task < 3; task += 1) await createTask(plane, { title: `Task ${count} ${task}` }, admin.token);
    ({ size } = await sealed(plane, admin.token));
  }
}, 30_000);
afterAll(() => plane.stop());

type Line = Record<string, unknown> & { seq: number; leaf_hash: string; row: Record<string, unknown> };
type Lines = (Record<string, unknown> & Partial<Line>)[];

const parse = (bundle: string): Lines => bundle.trim().split('\n').map((line) => JSON.parse(line) as Lines[number]);
const write = (lines: Lines): string => `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
const firstRow = (lines: Lines): number => lines.findIndex(({ seq }) => seq === 0);
/** What someone does who knows how leaves are made, but cannot sign. */
const refit = (line: Lines[number]): void => void (line.leaf_hash = leafOf(line.row as never, line.seq!).toString('base64'));
const renumber = (lines: Lines): void => {
  for (const [seq, line] of lines.filter((one) => one.seq !== undefined).entries()) line.seq = seq;
};
const setRows = (lines: Lines): void => void ((lines.at(-1) as { end: { rows: number } }).end.rows = lines.filter(({ seq }) => seq !== undefined).length);

describe('an export', () => {
  it('is found whole, by a program that has nothing else', async () => {
    const bundle = await exported(plane, admin.token);
    const { note } = await newestCheckpoint(plane, admin.token);
    const { keys } = await ok(plane.request<{ keys: string[] }>('GET', '/api/v1/audit/public-key', { token: admin.token }));
    expect(await verifyOffline(bundle, { checkpoint: note, key: keys.join('\n') })).toMatchObject({ code: 0, text: expect.stringContaining('are what was sealed') });
    expect((await verifyOffline(bundle)).code).toBe(0);
    const [row] = await auditRows(plane, `action = 'audit.export' and tenant_id = $1`, [tenantId]);
    expect(row).toMatchObject({ actor_id: admin.id, detail: { size } });

    const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-bundle-'));
    writeFileSync(join(folder, 'bundle'), bundle);
    const run = (): string => execFileSync(process.execPath, [join('dist', 'cli', 'main.js'), 'audit', 'verify', join(folder, 'bundle')], { encoding: 'utf8', env: {}, stdio: 'pipe' });
    expect(run()).toMatch(/^OK: \d+ rows/);
    writeFileSync(join(folder, 'bundle'), bundle.replace('task.create', 'task.cancel'));
    expect(() => run()).toThrow('TAMPERED: edited');
    rmSync(folder, { recursive: true });
  });

  const SEQ = 5;
  it.each<[string, string, number, (lines: Lines, at: (seq: number) => number) => void]>([
    ['a row is edited', 'edited', SEQ, (lines, at) => void (lines[at(SEQ)]!.row!['actor_id'] = 'somebody else')],
    ['the content of a row is edited', 'edited', SEQ, (lines, at) => void (lines[at(SEQ)]!['content'] = String(lines[at(SEQ)]!['content']).replace('Task', 'Tusk'))],
    ['a row is deleted', 'deleted', SEQ, (lines, at) => void lines.splice(at(SEQ), 1)],
    ['a row is deleted, and the rest numbered anew', 'deleted', SEQ, (lines, at) => { lines.splice(at(SEQ), 1); renumber(lines); setRows(lines); }],
    ['a row is put in', 'inserted', SEQ - 1, (lines, at) => void lines.splice(at(SEQ), 0, structuredClone(lines[at(SEQ - 1)]!))],
    ['a row is put in with a hash that fits', 'inserted', SEQ, (lines, at) => { lines.splice(at(SEQ), 0, structuredClone(lines[at(SEQ)]!)); lines[at(SEQ)]!.row!['id'] = admin.id; renumber(lines); refit(lines[at(0) + SEQ]!); setRows(lines); }],
    ['two rows are swapped', 'reordered', SEQ, (lines, at) => { const index = at(SEQ); [lines[index], lines[index + 1]] = [lines[index + 1]!, lines[index]!]; }],
    ['two rows are swapped, and numbered anew', 'reordered', SEQ, (lines, at) => { const index = at(SEQ); [lines[index], lines[index + 2]] = [lines[index + 2]!, lines[index]!]; renumber(lines); }],
  ])('in which %s is named: %s', async (_, kind, seq, tamper) => {
    const lines = parse(await exported(plane, admin.token));
    const start = firstRow(lines);
    tamper(lines, (wanted) => start + wanted);
    const { code, text } = await verifyOffline(write(lines));
    expect([code, text]).toEqual([1, expect.stringContaining(`TAMPERED: ${kind}`)]);
    expect(text).toMatch(new RegExp(`first wrong row: ${seq}\\b`));
  });

  it('of which every hash was made to fit is told by the checkpoint, with the rows it may be', async () => {
    const sizes = (await ok(plane.request<{ items: { size: number }[] }>('GET', '/api/v1/audit/checkpoints', { token: admin.token }))).items.map((item) => item.size).sort((a, b) => a - b);
    const lines = parse(await exported(plane, admin.token));
    const line = lines[firstRow(lines) + 5]!;
    line.row!['actor_id'] = 'somebody else';
    refit(line);
    const before = sizes.filter((end) => end <= 5).at(-1) ?? 0;
    const { code, text } = await verifyOffline(write(lines));
    expect([code, text]).toEqual([1, expect.stringContaining('TAMPERED: rewritten')]);
    expect(text).toMatch(new RegExp(`first wrong row: ${before}\\b`));
  });

  it('whose tail is cut off is named, however it was cut', async () => {
    const bundle = await exported(plane, admin.token);
    const cut = async (text: string): Promise<void> => {
      const verdict = await verifyOffline(text);
      expect([verdict.code, verdict.text]).toEqual([1, expect.stringMatching(/TAMPERED: cut/)]);
    };
    await cut(bundle.slice(0, -300));
    await cut(`${bundle.trimEnd().split('\n').slice(0, -1).join('\n')}\n`);
    await cut(`${bundle.trimEnd().split('\n').slice(0, -4).join('\n')}\n`);
    const lines = parse(bundle);
    lines.splice(-3, 2);
    setRows(lines);
    await cut(write(lines));
    expect(await verifyOffline(write(lines))).toMatchObject({ text: expect.stringContaining(`first wrong row: ${size - 2}`) });
  });

  it('that was cut at a checkpoint, its first and last lines fitted, is told by what was signed at its end', async () => {
    const lines = parse(await exported(plane, admin.token));
    const notes = lines.filter((line) => 'checkpoint' in line);
    const end = Number(String(notes.at(-2)!['checkpoint']).split('\n')[1]);
    const kept = lines.filter((line) => (line.seq === undefined ? line !== notes.at(-1) : line.seq < end));
    (kept[0] as { header: { size: number } }).header.size = end;
    setRows(kept);
    expect(await verifyOffline(write(kept))).toMatchObject({ code: 1, text: expect.stringContaining('TAMPERED: cut') });
  });

  it('is refused when it holds nothing that is signed, and what nobody signed does not ride along', async () => {
    const bundle = await exported(plane, admin.token);
    const lines = parse(bundle);
    expect(await verifyOffline(write([lines[0]!, { end: { rows: 0, note: '' } }]))).toMatchObject({ code: 2, text: expect.stringContaining('Nothing in this file is signed') });
    const row = firstRow(lines) + 3;
    const tampered: ((lines: Lines) => void)[] = [
      (all) => void (all[row]!.row!['verified_by'] = 'CEO'),
      (all) => void (all[row]!['actor_label'] = 'mallory'),
      (all) => void Object.assign(all[1]!, { seq: 1, row: all[row]!.row }),
      (all) => void ((all.at(-1) as { end: Record<string, unknown> }).end['row'] = 'x'),
      (all) => void (all[row]!.row!['actor_id'] = '\ud800'),
      (all) => void (all[row]!['content'] = all[row]!['salt'] = null),
      (all) => void (all.at(-1)!['end'] = null),
    ];
    for (const tamper of tampered) {
      const copy = structuredClone(lines);
      tamper(copy);
      expect(await verifyOffline(write(copy))).toMatchObject({ code: 1, text: expect.stringMatching(/TAMPERED: (edited|cut|inserted|content_missing)/) });
    }
    expect(await verifyOffline(bundle.replace('"action":', '"action":"x","action":'))).toMatchObject({ code: 1 });
  });

  it('is checked with what the installation gives out: pushed checkpoints, and its answer with the keys', async () => {
    const bundle = await exported(plane, admin.token);
    const { note } = await newestCheckpoint(plane, admin.token);
    const answer = (await plane.request('GET', '/api/v1/audit/public-key', { token: admin.token })).body;
    const pushed = [{ tenant_id: admin.id, size: 1, checkpoint: 'of another' }, { tenant_id: tenantId, size, checkpoint: note }].map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(await verifyOffline(bundle, { checkpoint: pushed, key: JSON.stringify(answer) })).toMatchObject({ code: 0 });
  });

  it('of an older state is told by a checkpoint that was kept, and one of other rows too', async () => {
    const older = await exported(plane, admin.token);
    await createTask(plane, {}, admin.token);
    await sealed(plane, admin.token);
    const { note } = await newestCheckpoint(plane, admin.token);
    expect((await verifyOffline(older)).code).toBe(0);
    expect(await verifyOffline(older, { checkpoint: note })).toMatchObject({ code: 1, text: expect.stringMatching(new RegExp(`TAMPERED: restored[\\s\\S]*first wrong row: ${size}\\b`)) });
  });

  it('signed with another key is refused when the right one is known', async () => {
    const bundle = await exported(plane, admin.token);
    const other = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(await verifyOffline(bundle, { key: other })).toMatchObject({ code: 1, text: expect.stringContaining('TAMPERED: unsigned') });
    expect(await verifyOffline('{"what":1}')).toMatchObject({ code: 2 });
    expect(await verifyOffline('')).toMatchObject({ code: 2 });
    expect(await verifyOffline(bundle, { checkpoint: 'no checkpoint' })).toMatchObject({ code: 2 });
  });

  it('says nothing of what was erased, and is whole all the same', async () => {
    const agent = await createAgent(plane, { name: 'canary-erased-agent' }, admin.token);
    await sealed(plane, admin.token);
    expect(await exported(plane, admin.token)).toContain('canary-erased-agent');
    await ok(plane.request('POST', '/api/v1/compliance/purge', { token: admin.token, body: { entity_type: 'agent', entity_id: agent.id } }));
    // From the first moment on: the certificate comes later.
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
    await sealed(plane, admin.token);
    const bundle = await exported(plane, admin.token);
    expect(bundle).not.toContain('canary-erased-agent');
    expect(bundle).toContain(agent.id);
    expect(await verifyOffline(bundle)).toMatchObject({ code: 0, text: expect.stringContaining('with their content erased') });
    const { items } = await ok(plane.request<{ items: Record<string, unknown>[] }>('GET', `/api/v1/admin/audit?resource_id=${agent.id}`, { token: admin.token }));
    expect(items.find(({ action }) => action === 'agent.create')).toMatchObject({ erased: true, actor_label: '[erased]', after: null });
  });
});

describe('the tables', () => {
  const SEQ = 5;
  const row = '(select row_id from audit_leaves where tenant_id = $1 and seq = $2)';
  const tamper = (work: (run: Run) => Promise<unknown>): Promise<void> => tamperWith(plane, tenantId, work);
  async function named(kind: string, seq: number): Promise<void> {
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind, seq } });
    const { code, text } = await verifyOffline(await exported(plane, admin.token));
    expect([code, text]).toEqual([1, expect.stringMatching(new RegExp(`TAMPERED: ${kind}[\\s\\S]*first wrong row: ${seq}\\b`))]);
  }

  it('show a row that was edited', async () => {
    await tamper((run) => run(`update audit_log set actor_id = 'x' where tenant_id = $1 and id = ${row}`, SEQ));
    await named('edited', SEQ);
  });

  it('show content that was edited', async () => {
    await tamper((run) => run(`update audit_log set content = set_byte(content, 60, get_byte(content, 60) # 1) where tenant_id = $1 and id = ${row}`, SEQ));
    await named('edited', SEQ);
  });

  it('show content that was taken from another row', async () => {
    await tamper((run) => run(`update audit_log set content = (select content from audit_log where tenant_id = $1 and id = (select row_id from audit_leaves where tenant_id = $1 and seq = $2 + 1)) where tenant_id = $1 and id = ${row}`, SEQ));
    await named('edited', SEQ);
  });

  it('show a row that was deleted, with its leaf or without', async () => {
    await tamper((run) => run(`delete from audit_log where tenant_id = $1 and id = ${row}`, SEQ));
    await named('deleted', SEQ);
    await tamper((run) => run(`delete from audit_leaves where tenant_id = $1 and seq = $2`, SEQ));
    await named('deleted', SEQ);
  });

  it('show a row that was put in', async () => {
    await tamper((run) => run(`insert into audit_log (tenant_id, id, tx, actor_kind, actor_id, action, outcome) values ($1, gen_random_uuid(), 1, 'user', 'x', 'x', 'done')`));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'inserted', row_id: expect.any(String) } });
  });

  it('show content that is gone without a purge, and tell damaged from erased', async () => {
    await tamper((run) => run(`update audit_log set content = null where tenant_id = $1 and id = ${row}`, SEQ));
    await named('content_missing', SEQ);
    const next = '(select content from audit_log where tenant_id = $1 and id = (select row_id from audit_leaves where tenant_id = $1 and seq = $2 + 1))';
    await tamper((run) => run(`update audit_log set content = set_byte(${next}, 5, get_byte(${next}, 5) # 1) where tenant_id = $1 and id = ${row}`, SEQ));
    await named('edited', SEQ);
    const { rows } = await withAdmin((client) => client.query<{ id: string }>('select row_id as id from audit_leaves where tenant_id = $1 and seq = $2', [tenantId, SEQ]), plane.database.name);
    const { items } = await ok(plane.request<{ items: { id: string; erased: boolean; actor_label: string }[] }>('GET', '/api/v1/admin/audit?limit=100', { token: admin.token }));
    expect(items.find(({ id }) => id === rows[0]?.id)).toMatchObject({ erased: false, actor_label: '[damaged]' });
  });

  it('show a row that is found under another name', async () => {
    await tamper((run) => run(`update audit_log set actor_label_hash = sha256('x') where tenant_id = $1 and id = ${row}`, SEQ));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'edited', seq: SEQ } });
  });

  it('show checkpoints that are gone, and take no row whose place somebody chose', async () => {
    await expect(withAdmin((client) => client.query(`insert into audit_leaves values ($1, -1, gen_random_uuid(), '\\x00')`, [tenantId]), plane.database.name)).rejects.toThrow('audit_leaves_seq');
    for (const role of ['wheelhouse_app', 'wheelhouse_system']) {
      const forge = withAdmin(async (client) => {
        await client.query(`set role ${role}`);
        await client.query(`insert into audit_log (tenant_id, id, tx, actor_kind, actor_id, action, outcome) values ($1, gen_random_uuid(), 9000000000000000000, 'user', 'x', 'x', 'done')`, [tenantId]);
      }, plane.database.name);
      await expect(forge).rejects.toThrow('permission denied');
    }
    await tamper((run) => run('delete from audit_checkpoints where tenant_id = $1'));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'cut', seq: 0 } });
  });

  it('show rows that were reordered', async () => {
    await tamper(async (run) => {
      await run(`update audit_leaves l set seq = 1000000 + (case seq when $2::bigint then $2::bigint + 1 else $2::bigint end) where tenant_id = $1 and seq in ($2::bigint, $2::bigint + 1)`, SEQ);
      await run(`update audit_leaves set seq = seq - 1000000 where tenant_id = $1 and seq >= 1000000`);
    });
    await named('reordered', SEQ);
  });

  it('show a tail that was cut off', async () => {
    await tamper(async (run) => {
      await run('delete from audit_log where tenant_id = $1 and id in (select row_id from audit_leaves where tenant_id = $1 and seq >= $2)', SEQ);
      await run('delete from audit_leaves where tenant_id = $1 and seq >= $2', SEQ);
    });
    await named('cut', SEQ);
  });

  it('show a checkpoint that was made up', async () => {
    await tamper((run) => run(`update audit_checkpoints set root = sha256(root) where tenant_id = $1`));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'unsigned' } });
  });

  it('show an older state that was put back, also to whoever kept a checkpoint', async () => {
    const kept = await newestCheckpoint(plane, admin.token);
    await tamper(async (run) => {
      const older = Number((await run('select size from audit_checkpoints where tenant_id = $1 order by size offset 1 limit 1')).rows[0].size);
      await run('delete from audit_log where tenant_id = $1 and id in (select row_id from audit_leaves where tenant_id = $1 and seq >= $2)', older);
      await run('delete from audit_leaves where tenant_id = $1 and seq >= $2', older);
      await run('delete from audit_nodes where tenant_id = $1 and (index + 1) * (1 << level) > $2', older);
      await run('delete from audit_checkpoints where tenant_id = $1 and size > $2', older);
    });
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'cut' } });
    await tamper((run) => run('update audit_trees set size = (select max(size) from audit_checkpoints where tenant_id = $1) where tenant_id = $1'));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored' } });
    expect(await verifyOnline(plane, admin.token, `?size=${kept.size}&root=${encodeURIComponent(kept.root)}`)).toMatchObject({ ok: false, finding: { kind: 'restored' } });
    expect(await verifyOffline(await exported(plane, admin.token), { checkpoint: kept.note })).toMatchObject({ code: 1, text: expect.stringContaining('TAMPERED: restored') });
  });
});
