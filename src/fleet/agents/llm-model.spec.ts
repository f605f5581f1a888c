import { splitModel } from './llm-model.js';

describe('provider/model in one string', () => {
  it('is split at the first slash', () => {
    expect(splitModel({ llm_model: 'openrouter/anthropic/claude' })).toEqual({ llm_provider: 'openrouter', llm_model: 'anthropic/claude' });
  });

  it('loses the prefix that the provider beside it repeats', () => {
    expect(splitModel({ llm_provider: 'anthropic', llm_model: 'anthropic/claude' })).toEqual({ llm_provider: 'anthropic', llm_model: 'claude' });
  });

  it('is kept whole when another provider is named', () => {
    const choice = { llm_provider: 'openrouter', llm_model: 'anthropic/claude' };
    expect(splitModel(choice)).toEqual(choice);
  });

  it.each(['gpt', '/gpt', 'gpt/'])('is left alone when nothing stands on one side: %s', (llm_model) => {
    expect(splitModel({ llm_model })).toEqual({ llm_model });
  });
});
