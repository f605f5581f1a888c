import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';

/** What came in, as it came. */
export interface PayloadContent {
  headers: Record<string, string>;
  body: Buffer;
}

/** Headers that carry credentials, or that say how the request came here and not what it is about. */
const LEFT_OUT = /^(?:authorization|proxy-|cookie|host|connection|keep-alive|transfer-encoding|content-length|te|trailer|upgrade|expect|x-forwarded-|x-real-ip|forwarded|cdn-)|token|secret|signature|password|api-?key/i;
const MOST_HEADERS = 64;
const LONGEST_VALUE = 1_024;

const placeOf = (tenantId: string, id: string): { tenantId: string; row: string } => ({ tenantId, row: `webhook_payloads/${id}` });

/** What senders send lies sealed: it may hold whatever they know. */
@Injectable()
export class PayloadContents {
  constructor(private readonly cipher: TenantCipher) {}

  seal(tenantId: string, id: string, { headers, body }: PayloadContent): Promise<Buffer> {
    return this.cipher.seal(placeOf(tenantId, id), JSON.stringify({ headers, body: body.toString('base64') }));
  }

  /** @throws Problem `erased` */
  async open({ tenant_id, id, content }: { tenant_id: string; id: string; content: Buffer }): Promise<PayloadContent> {
    const { headers, body } = JSON.parse(await this.cipher.open(placeOf(tenant_id, id), content)) as { headers: Record<string, string>; body: string };
    return { headers, body: Buffer.from(body, 'base64') };
  }
}

/** Those that are kept: neither credentials nor signatures, and no secret of the endpoint wherever it stands. */
export function keptHeaders(headers: IncomingHttpHeaders, secrets: readonly string[]): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value.join(', ') : value;
    return text === undefined || LEFT_OUT.test(name) || secrets.some((secret) => text.includes(secret)) ? [] : [[name, text.slice(0, LONGEST_VALUE)] as const];
  });
  return Object.fromEntries(kept.slice(0, MOST_HEADERS));
}

/** The body as JSON where it is JSON, else as text, else undefined. */
export function readBody({ headers, body }: PayloadContent): unknown {
  if (!isUtf8(body)) return undefined;
  const text = body.toString('utf8');
  if (!/\bjson\b/i.test(headers['content-type'] ?? 'json')) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
