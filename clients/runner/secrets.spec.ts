import { ApiError } from './api.ts';
import { withSecrets } from './secrets.ts';

describe('placeholders of secrets', () => {
  it('stand again where a command says what it was given', async () => {
    const values = new Map([['KEY', 'k"1$& /+'], ['LONG', 'k"1$& /+ and more'], ['PIN', '482913'], ['TINY', 'abc']]);
    const get = (name: string) => Promise.resolve(values.get(name) ?? '');
    const says = (text: unknown) => ({ kind: 'failed' as const, error: `exit code 1: cannot connect with ${String(text)}`, retryable: true });
    expect(await withSecrets('{{secret:KEY}}', get, (payload) => Promise.resolve(says(payload)))).toEqual(says('{{secret:KEY}}'));
    expect(await withSecrets('{{secret:KEY}}', get, (payload) => Promise.resolve({ kind: 'completed' as const, result: { payload } }))).toEqual({ kind: 'completed', result: { payload: '{{secret:KEY}}' } });
  });

  it('fail the task when one is refused, with its name and the reason', async () => {
    const refuse = (code: string) => () => Promise.reject(new ApiError(403, code, 'no'));
    const work = () => Promise.resolve({ kind: 'completed' as const, result: null });
    expect(await withSecrets('{{secret:KEY}}', refuse('secret_not_granted'), work)).toEqual({ kind: 'failed', error: 'the secret KEY was refused: secret_not_granted', retryable: false });
    expect(await withSecrets('{{secret:KEY}}', refuse('unavailable'), work)).toMatchObject({ retryable: true });
    expect(await withSecrets({ plain: 1 }, refuse('unavailable'), work)).toEqual({ kind: 'completed', result: null });
  });
});
