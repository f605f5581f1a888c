interface LlmChoice {
  llm_provider?: string | null;
  llm_model?: string | null;
}

/**
 * Splits `provider/model` in one string, as some documents write it. With a provider beside it, only that provider's
 * own prefix is taken off: `openrouter` has models that are named `anthropic/...`.
 */
export function splitModel<T extends LlmChoice>(choice: T): T {
  const { llm_provider: provider, llm_model: model } = choice;
  const slash = model?.indexOf('/') ?? -1;
  if (!model || slash < 1 || slash === model.length - 1) return choice;
  const [prefix, rest] = [model.slice(0, slash), model.slice(slash + 1)];
  if (provider && provider !== prefix) return choice;
  return { ...choice, llm_provider: prefix, llm_model: rest };
}
