import createClient, { type Client, type ClientOptions } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type { components, operations, paths } from './schema.js';

/** Every request and answer of the API by name: `Schemas['TaskView']`. */
export type Schemas = components['schemas'];

/** A refusal, as every operation answers it. */
export type WheelhouseProblem = Schemas['ProblemView'];

export type WheelhouseClient = Client<paths>;

export interface WheelhouseClientOptions extends Pick<ClientOptions, 'fetch'> {
  /** Where the installation is, without a path: `http://127.0.0.1:3000`. */
  baseUrl: string;
  /** An access token of a person. */
  token?: string;
  /** The token of an agent. */
  agentToken?: string;
  /** An API key. */
  apiKey?: string;
}

/**
 * A client of one installation with one credential.
 *
 * @example
 * const wheelhouse = createWheelhouseClient({ baseUrl: 'http://127.0.0.1:3000', apiKey: process.env.WHEELHOUSE_API_KEY });
 * const { data, error } = await wheelhouse.GET('/health');
 */
export function createWheelhouseClient({ baseUrl, token, agentToken, apiKey, ...options }: WheelhouseClientOptions): WheelhouseClient {
  const headers = {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(agentToken === undefined ? {} : { 'X-Agent-Token': agentToken }),
    ...(apiKey === undefined ? {} : { 'X-API-Key': apiKey }),
  };
  return createClient<paths>({ ...options, baseUrl: baseUrl.replace(/\/+$/, ''), headers });
}
