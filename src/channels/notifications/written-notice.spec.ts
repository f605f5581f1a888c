import type { Notice } from '../../platform/notifications/notifier.port.js';
import { writtenNotice } from './written-notice.js';

const notice = (fields: Partial<Notice>): Notice => ({ type: 't', severity: 'info', title: 'A title', to: {}, ...fields });

describe('a notice as it is stored', () => {
  it.each([
    ['/agents/1?tab=2#x', true],
    ['https://example.com/a', true],
    ['HTTP://example.com', true],
    ['//example.com', false],
    ['/\\example.com', false],
    ['javascript:alert(1)', false],
    ['data:text/html,x', false],
    ['agents/1', false],
    ['https://', false],
    [`/${'a'.repeat(2_000)}`, false],
    ['/a\nb', false],
  ])('keeps the link %j: %s', (link, isKept) => {
    expect(writtenNotice(notice({ link })).link).toBe(isKept ? link : null);
  });

  it('cuts what is too long, and leaves out what PostgreSQL holds no text for', () => {
    const { title, body, key } = writtenNotice(notice({ title: `a\0${'b'.repeat(400)}`, body: 'lone \ud800 half', key: 'k'.repeat(400) }));
    expect([title.length, title.slice(0, 2), title.at(-1), body, key?.length]).toEqual([300, 'ab', '…', 'lone \ufffd half', 300]);
    expect(writtenNotice(notice({ title: '' })).title).toBe('Notice');
    expect(writtenNotice(notice({ title: `${'a'.repeat(298)}😀bcd` })).title.isWellFormed()).toBe(true);
  });

  it('keeps metadata that jsonb can hold', () => {
    expect(writtenNotice(notice({ metadata: { a: [1, 'ü', null] } })).metadata).toEqual({ a: [1, 'ü', null] });
    expect(writtenNotice(notice({ metadata: { a: 'x'.repeat(20_000) } })).metadata).toEqual({ omitted: 'too large' });
    for (const metadata of [{ a: '\0' }, { a: '\ud800' }, [1]]) expect(writtenNotice(notice({ metadata })).metadata).toEqual({ omitted: 'cannot be stored' });
    expect(writtenNotice(notice({})).metadata).toEqual({});
  });

  it('names an agent by its id alone', () => {
    expect(writtenNotice(notice({ agentId: 'nobody' })).agent_id).toBeNull();
  });
});
