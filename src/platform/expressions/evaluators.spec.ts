import { Evaluators } from './evaluators.js';

const question = { text: '$sum([1, 2])', context: {}, variables: {} };
const file = new URL(`./expression.process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
const node = process.execPath;

describe('evaluators', () => {
  afterEach(() => void (process.execPath = node));

  it('answer, and go on after one has failed', async () => {
    const evaluators = new Evaluators(file, 64);
    await expect(evaluators.ask({ ...question, text: '$length($pad("x", 400000000))' }, 10_000)).rejects.toMatchObject({ reason: 'memory' });
    await expect(evaluators.ask(question, 0)).rejects.toMatchObject({ reason: 'timeout' });
    expect(await evaluators.ask(question, 10_000)).toEqual({ json: '3' });
    await evaluators.stop();
    await expect(evaluators.ask(question, 10_000)).rejects.toThrow('have ended');
  }, 30_000);

  it('say why there is none, at once', async () => {
    const missing = new Evaluators(new URL('not-there.js', file), 64);
    await expect(missing.ask(question, 10_000)).rejects.toThrow('ended with code 1');
    const evaluators = new Evaluators(file, 64);
    process.execPath = '/not/there/node';
    await expect(evaluators.ask(question, 10_000)).rejects.toThrow('ENOENT');
    process.execPath = node;
    expect(await evaluators.ask(question, 10_000)).toEqual({ json: '3' });
    await Promise.all([evaluators.stop(), missing.stop()]);
  }, 30_000);
});
