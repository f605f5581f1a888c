import { isIP } from 'node:net';
import { isLoopbackHost } from '../networks/loopback.js';

/** Names that Express knows for ranges of private addresses. */
const NAMED_RANGES = new Set(['loopback', 'linklocal', 'uniquelocal']);
const MOST_HOPS = 32;

/** The entries of a comma-separated list; blank for none. */
export const entriesOf = (list: string): string[] => (list.trim() === '' ? [] : list.split(',').map((entry) => entry.trim()));

/** Whether Express can make a "trust proxy" function of it: a number of hops, or addresses, CIDR ranges and named ranges. */
export function isProxyList(list: string): boolean {
  return /^\d+$/.test(list) ? Number(list) <= MOST_HOPS : entriesOf(list).every((entry) => NAMED_RANGES.has(entry) || isAddressRange(entry));
}

/** Whether each entry is the name of a host, an address or a CIDR range. */
export const isHostList = (list: string): boolean => entriesOf(list).every((entry) => isAddressRange(entry) || (isHostName(entry) && !/^[\d.]+$/.test(entry)));

const isHostName = (entry: string): boolean => entry.length <= 253 && /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?(?:\.[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?)*$/i.test(entry);

/** Whether each entry is an origin as browsers send it (RFC 6454, section 6.2): scheme, host and port, no slash behind. */
export function isOriginList(list: string): boolean {
  return entriesOf(list).every((entry) => /^https?:/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry);
}

/** Whether what is sent there is read by nobody on the way: https, or http within this machine; and the address itself holds no secret. */
export function isConfidentialUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const plain = username === '' && password === '' && search === '' && hash === '';
  return plain && (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname)));
}

/** Whether Node sends it as the value of a header (RFC 9110, section 5.5): visible ASCII, spaces and tabs. */
export const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e]*$/.test(value);

function isAddressRange(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
