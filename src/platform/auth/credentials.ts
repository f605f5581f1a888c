import type { IncomingHttpHeaders } from 'node:http';

/** Where a credential came from, by its form; which domain checks it follows from that. */
export type Credential =
  | { kind: 'access_token'; value: string }
  | { kind: 'api_key'; value: string }
  | { kind: 'agent_token'; value: string; tenant?: string; agentName?: string }
  | { kind: 'bearer'; value: string; agentName?: string }
  | { kind: 'cookie'; value: string };

export const API_KEY_PREFIX = 'whk_';
export const AGENT_TOKEN_PREFIX = 'wha_';
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const LONGEST = 4096;

function classify(value: string, agentName: string | undefined): Credential {
  if (value.startsWith(API_KEY_PREFIX)) return { kind: 'api_key', value };
  if (value.startsWith(AGENT_TOKEN_PREFIX)) return { kind: 'agent_token', value, agentName };
  if (JWT.test(value)) return { kind: 'access_token', value };
  const colon = value.indexOf(':');
  if (colon > 0) return { kind: 'agent_token', tenant: value.slice(0, colon), value: value.slice(colon + 1), agentName };
  return { kind: 'bearer', value, agentName };
}

/**
 * The credential of a request: `X-Agent-Token`, `X-API-Key` or `Authorization: Bearer`, in this order. The form of the
 * value says what it is; a prefixed token is never tried as anything else.
 */
export function credentialOf(headers: IncomingHttpHeaders): Credential | undefined {
  const agentName = single(headers['x-agent-name']);
  const agentToken = single(headers['x-agent-token']);
  if (agentToken !== undefined) {
    const credential = classify(agentToken, agentName);
    return credential.kind === 'agent_token' ? credential : { kind: 'agent_token', value: agentToken, agentName };
  }
  const apiKey = single(headers['x-api-key']);
  if (apiKey !== undefined) return { kind: 'api_key', value: apiKey };
  const bearer = /^Bearer +(\S+)$/i.exec(single(headers.authorization) ?? '')?.[1];
  return bearer === undefined ? undefined : classify(bearer, agentName);
}

/** The credential in a bare token, as in the first message on a socket. */
export function credentialFromToken(token: string): Credential {
  return classify(token.slice(0, LONGEST), undefined);
}

function single(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text.length > LONGEST ? undefined : text;
}
