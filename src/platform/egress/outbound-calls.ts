import { Injectable } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { fillSecrets, hideSecrets, secretNames } from '../../core/secret-placeholders.js';
import { Egress, type EgressRequest } from './egress.js';
import { OutboundSecrets, type OutboundUse } from './outbound-secrets.port.js';

/** A call as somebody wrote it and as it is stored: with `{{secret:NAME}}` wherever a secret belongs. */
export interface OutboundCall extends Pick<EgressRequest, 'method' | 'timeoutMs' | 'maxBytes' | 'cut' | 'targets' | 'signal'>, Pick<OutboundUse, 'purpose' | 'resource'> {
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; or `text`, sent as it is. */
  json?: unknown;
  text?: string;
  /** Sent as it is, what looks like a placeholder too: it was signed so. */
  raw?: string;
}

export interface OutboundAnswer {
  status: number;
  headers: Record<string, string>;
  /** As text; the placeholder where a secret was sent back. */
  body: string;
}

/**
 * Calls that people and workflows define. Placeholders of secrets are filled in here, in memory, when the call leaves, and
 * put back into whatever comes in: neither what is stored nor what is answered ever holds a value.
 */
@Injectable()
export class OutboundCalls {
  constructor(
    private readonly egress: Egress,
    private readonly secrets: OutboundSecrets,
  ) {}

  /**
   * Makes the call. To be called outside of a transaction.
   * @throws Problem `egress_refused`, `egress_failed`, `circuit_open`, `secret_not_allowed`, `secret_expired`
   */
  async send({ url, headers = {}, json, text, raw, resource, ...call }: OutboundCall): Promise<OutboundAnswer> {
    const target = targetOf(url);
    const names = secretNames([decoded(target.pathname), decoded(target.search), Object.values(headers), json, text]);
    const values = names.length === 0 ? new Map<string, string>() : await this.secrets.open(names, { origin: target.origin, purpose: call.purpose, ...(resource ? { resource } : {}) });
    const body = raw ?? (json === undefined ? (fillSecrets(text, values) as string | undefined) : JSON.stringify(fillSecrets(json, values)));
    const request: EgressRequest = {
      ...call,
      url: filledUrl(target, values),
      headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...filledHeaders(headers, values) },
      ...(body === undefined ? {} : { body }),
    };
    const answer = await this.egress.request(request);
    const said = { headers: answer.headers, body: answer.body.toString('utf8') };
    return { status: answer.status, ...(hideSecrets(said, values) as typeof said) };
  }
}

/** Where a call goes is told by its text alone: no secret may say it. And a fragment is not sent: none is opened for it. */
function targetOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || secretNames(decoded(url.host + url.username + url.password)).length > 0) throw new Problem('egress_refused', { detail: 'The scheme and host of an address must be written out.' });
  if (secretNames(decoded(url.hash)).length > 0) throw new Problem('egress_refused', { detail: 'The fragment of an address is not sent: no secret stands in it.' });
  return url;
}

/** In the path and the query a value is one piece of text: it can add no segment but by its own slashes, and no parameter. */
function filledUrl(target: URL, values: ReadonlyMap<string, string>): URL {
  if (values.size === 0) return target;
  const url = new URL(target);
  url.pathname = fillSecrets(decoded(target.pathname), values, pathPart) as string;
  url.search = fillSecrets(decoded(target.search), values, encodeURIComponent) as string;
  return url;
}

/** A placeholder is one in an address too when its braces are encoded, as a URL does it in a path. The rest of the address stays as it was written. */
const decoded = (part: string): string => part.replaceAll(/%7B%7B(secret:[\w.-]+)%7D%7D/gi, '{{$1}}');

function pathPart(value: string): string {
  const segments = value.split('/');
  if (segments.some((segment) => segment === '.' || segment === '..')) throw new Problem('egress_refused', { detail: 'A secret with the segment . or .. stands in no path.' });
  return segments.map((segment) => encodeURIComponent(segment)).join('/');
}

/** A value with a line break or another control character would be a header of its own. */
function filledHeaders(headers: Readonly<Record<string, string>>, values: ReadonlyMap<string, string>): Record<string, string> {
  const filled = Object.entries(headers).map(([name, value]) => [name, fillSecrets(value, values) as string] as const);
  const bad = filled.find(([, value]) => /[^\t\u0020-\u007e\u0080-\u00ff]/.test(value));
  if (bad) throw new Problem('egress_refused', { detail: `The value of the header ${bad[0]} has characters that no header may have.` });
  return Object.fromEntries(filled);
}
