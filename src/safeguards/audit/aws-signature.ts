import { createHash, createHmac } from 'node:crypto';

/** Who signs, and for which region. */
export interface AwsCredentials {
  keyId: string;
  secret: string;
  region: string;
}

const SERVICE = 's3';
const ALGORITHM = 'AWS4-HMAC-SHA256';

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
/** RFC 3986, section 2.3: all but the unreserved characters. */
const encoded = (segment: string): string => encodeURIComponent(decodeURIComponent(segment)).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Headers that sign a PUT of an object to S3 or a store that speaks like it (AWS Signature Version 4).
 * @param extra headers to be signed as well
 */
export function signedPut(url: URL, body: string, { keyId, secret, region }: AwsCredentials, now: Date, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const time = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${region}/${SERVICE}/aws4_request`;
  const headers: Record<string, string> = { ...extra, 'x-amz-content-sha256': sha256(body), 'x-amz-date': time };
  const signed = Object.entries({ ...headers, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const canonical = ['PUT', url.pathname.split('/').map(encoded).join('/'), '', ...signed.map(([name, value]) => `${name}:${value.trim()}`), '', names, sha256(body)].join('\n');
  const key = [time.slice(0, 8), region, SERVICE, 'aws4_request'].reduce<string | Buffer>((parent, part) => hmac(parent, part), `AWS4${secret}`);
  const signature = hmac(key, [ALGORITHM, time, scope, sha256(canonical)].join('\n')).toString('hex');
  return { ...headers, authorization: `${ALGORITHM} Credential=${keyId}/${scope},SignedHeaders=${names},Signature=${signature}` };
}
