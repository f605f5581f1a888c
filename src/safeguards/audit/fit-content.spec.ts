import { createHash } from 'node:crypto';
import type { AuditContent } from './audit-row.entity.js';
import { fitContent } from './fit-content.js';

const WHO = { actor_label: 'ada', ip: null, user_agent: null };
const content = (parts: Partial<AuditContent>): AuditContent => ({ ...WHO, before: null, after: null, detail: null, ...parts });
const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const cut = (text: string): object => ({ cut: { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') } });

describe('the content of an audit row', () => {
  it('stays as it is when it is not large', () => {
    const small = content({ before: { a: 1 }, after: { a: { b: ['ü'.repeat(2_000)] } }, detail: { text: 'x'.repeat(4_000) } });
    expect(fitContent(small)).toBe(small);
    const text = content({ after: { description: 'x'.repeat(20_000), title: 't' } });
    expect(fitContent(text)).toEqual(text);
  });

  it('has the size and the hash of a large member in its place, whatever order it was written in', () => {
    const payload = { z: 'ü'.repeat(100_000), a: [1, null] };
    const sorted = JSON.stringify({ a: payload.a, z: payload.z });
    const given = content({ after: { title: 't', payload } });
    expect(fitContent(given)).toEqual(content({ after: { title: 't', payload: cut(sorted) } }));
    expect(fitContent(content({ after: { payload: { a: payload.a, z: payload.z } } })).after).toEqual({ payload: cut(sorted) });
    expect(given.after).toEqual({ title: 't', payload });
  });

  it('takes 32 kB at most, the largest members cut first', () => {
    const texts = { before: { text: 'a'.repeat(20_000), small: 1 }, after: { text: 'b'.repeat(19_000), small: 2 } };
    expect(fitContent(content(texts))).toEqual(content({ before: { text: cut(JSON.stringify(texts.before.text)), small: 1 }, after: texts.after }));
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`name-${index}`, index]));
    const names = fitContent(content({ after: many, detail: { reason: 'because' } }));
    expect(names).toEqual(content({ after: expect.objectContaining({ cut: { bytes: sizeOf(many), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } }), detail: { reason: 'because' } }));
    const worst = fitContent(content({ before: { ['n'.repeat(30_000)]: 'x'.repeat(20_000) }, after: many, detail: { list: Array.from({ length: 9_000 }, () => null) } }));
    expect(sizeOf(worst)).toBeLessThan(33 * 1024);
  });
});
