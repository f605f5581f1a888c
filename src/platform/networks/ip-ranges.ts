import { isIP } from 'node:net';

const BITS = { 4: 32, 6: 128 } as const;
/** Where IPv4 lies in IPv6 for programs that know one family alone (RFC 4291, section 2.5.5.2). */
const MAPPED = 0xffffn << 32n;
const MAPPED_BITS = 96;

interface Address {
  family: 4 | 6;
  value: bigint;
}

/** An address, or all that begin with the same bits. */
export interface IpRange {
  family: 4 | 6;
  first: bigint;
  bits: number;
}

/**
 * Reads an address or a CIDR range. A mapped IPv6 address is the IPv4 one; nothing else that has one inside (NAT64, 6to4)
 * is: whoever chooses such an address would choose whom to be taken for.
 * @returns undefined for what is neither, and for a range whose address has bits behind its prefix
 */
export function rangeOf(text: string): IpRange | undefined {
  const [address = '', length, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes('%')) return undefined;
  if (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const bits = length === undefined ? BITS[family as 4 | 6] : Number(length);
  if (bits > BITS[family as 4 | 6]) return undefined;
  const value = family === 4 ? ipv4(address) : ipv6(address);
  const mapped = family === 6 && bits >= MAPPED_BITS && isMapped(value);
  const range: IpRange = mapped ? { family: 4, first: value & 0xffff_ffffn, bits: bits - MAPPED_BITS } : { family: family as 4 | 6, first: value, bits };
  return (range.first & hostMask(range)) === 0n ? range : undefined;
}

/** The ranges of texts that were checked when they were stored; what is none holds no address. */
export const rangesOf = (texts: readonly string[]): IpRange[] => texts.map(rangeOf).filter((range) => range !== undefined);

/** Whether one of the ranges holds an address. What is no address lies in none. */
export function isInRanges(ranges: readonly IpRange[], text: string | undefined): boolean {
  const address = text === undefined ? undefined : addressOf(text);
  return address !== undefined && ranges.some((range) => holds(range, address));
}

/** Whether all of `inner` lies in one of the ranges. */
export const isWithinRanges = (ranges: readonly IpRange[], inner: IpRange): boolean =>
  ranges.some((range) => range.bits <= inner.bits && holds(range, { family: inner.family, value: inner.first }));

/** How much of an IPv6 address its network says (RFC 4291, section 2.5.4); a sender chooses the rest of it, anew for each request if it likes. */
const NETWORK_BITS = 64;

/** What an address is counted by: an IPv4 address by itself, also a mapped one, and an IPv6 address by its /64. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const range = isIP(address) === 6 ? rangeOf(address.split('%', 1)[0] ?? '') : undefined;
  if (!range) return address;
  if (range.family === 4) return [24n, 16n, 8n, 0n].map((shift) => (range.first >> shift) & 255n).join('.');
  const words = [112n, 96n, 80n, 64n].map((shift) => ((range.first >> shift) & 0xffffn).toString(16));
  return `${words.join(':')}::/${NETWORK_BITS}`;
}

function addressOf(text: string): Address | undefined {
  const range = text.includes('/') ? undefined : rangeOf(text.split('%', 1)[0] ?? '');
  return range && { family: range.family, value: range.first };
}

const holds = (range: IpRange, { family, value }: Address): boolean => family === range.family && (value & ~hostMask(range)) === range.first;
const hostMask = ({ family, bits }: Pick<IpRange, 'family' | 'bits'>): bigint => (1n << BigInt(BITS[family] - bits)) - 1n;
const isMapped = (value: bigint): boolean => value >> 32n === MAPPED >> 32n;
const ipv4 = (address: string): bigint => address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);

/** The value of an IPv6 address. URLs bring every spelling into one form, in which a dotted end has become two words. */
export function ipv6(address: string): bigint {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [words(head), words(tail ?? '')];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return all.reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n);
}
