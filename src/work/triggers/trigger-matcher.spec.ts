import { AsyncLocalStorage } from 'node:async_hooks';
import { ClsService } from 'nestjs-cls';
import { type ContextStore, RequestContext } from '../../platform/context/request-context.js';
import { Expressions } from '../../platform/expressions/expressions.js';
import { TriggerMatcher } from './trigger-matcher.js';

const expressions = new Expressions(new RequestContext(new ClsService<ContextStore>(new AsyncLocalStorage())));
const matcher = new TriggerMatcher(expressions);
afterAll(() => expressions.onApplicationShutdown());

const ENDLESS = '($f := function($n) { $f($n + 1) }; $f(0))';
const event = { id: '1', name: 'task.failed', occurred_at: '2026-01-01T00:00:00.000Z', data: { task_id: '7' } };
const match = (filter: string): Promise<{ fault?: string } | undefined> => matcher.match({ type: 'event', config: { event: 'task.*', filter }, as_role: 'admin' }, event);

describe('a filter', () => {
  it('says whether an event is meant', async () => {
    expect([await match("data.task_id = '7'"), await match("data.task_id = '8'"), await match('data.task_id + 1')]).toEqual([{}, undefined, { fault: expect.stringMatching(/^filter: /) as string }]);
  });

  it('that has no turn says nothing of the event: it is asked again, and not put down as failed', async () => {
    const waiting = Array.from({ length: 20 }, () => expressions.evaluate(ENDLESS, { context: {}, variables: {} }).catch(() => undefined));
    await expect(match('$count([data.task_id]) = 1')).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    await Promise.all(waiting);
    expect(await match('$count([data.task_id]) = 1')).toEqual({});
  }, 20_000);
});
