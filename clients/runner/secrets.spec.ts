import { ApiError } from './api.ts';
import { fillSecrets, hideSecrets, secretNames, withSecrets } from './secrets.ts';

const PAYLOAD = { auth: 'Bearer {{secret:KEY}}', list: ['{{secret:A.b-c}}{{secret:KEY}}', 7, null], '{{secret:KEY}}': true, not: '{{secret:two words}} {{other:KEY}}' };

describe('placeholders of secrets', () => {
  it('are found wherever they stand, each once', () => {
    expect(secretNames(PAYLOAD).sort()).toEqual(['A.b-c', 'KEY']);
    expect([secretNames(null), secretNames(undefined), secretNames('none')]).toEqual([[], [], []]);
  });

  it('are filled in, in a copy, once: what a value looks like does not matter', () => {
    const values = new Map([['KEY', '"k$& {{secret:A.b-c}}'], ['A.b-c', 'a']]);
    expect(fillSecrets(PAYLOAD, values)).toEqual({
      auth: 'Bearer "k$& {{secret:A.b-c}}',
      list: ['a"k$& {{secret:A.b-c}}', 7, null],
      '"k$& {{secret:A.b-c}}': true,
      not: '{{secret:two words}} {{other:KEY}}',
    });
    expect(PAYLOAD.auth).toBe('Bearer {{secret:KEY}}');
  });

  it('stand again where a command says what it was given', async () => {
    const values = new Map([['KEY', 'k"1$& /+'], ['LONG', 'k"1$& /+ and more'], ['PIN', '482913'], ['TINY', 'abc']]);
    expect(hideSecrets({ 'k"1$& /+': ['x k"1$& /+ and more', 482913, 7, null, true], tiny: 'abc' }, values)).toEqual({ '{{secret:KEY}}': ['x {{secret:LONG}}', '{{secret:PIN}}', 7, null, true], tiny: 'abc' });
    for (const form of [JSON.stringify('k"1$& /+').slice(1, -1), encodeURIComponent('k"1$& /+'), Buffer.from('k"1$& /+').toString('base64'), Buffer.from('k"1$& /+').toString('base64url')]) expect(hideSecrets(`<${form}>`, values)).toBe('<{{secret:KEY}}>');
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
