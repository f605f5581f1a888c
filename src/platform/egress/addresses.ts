import { BlockList, isIP } from 'node:net';
import { ipv6 } from '../networks/ip-ranges.js';

/** What lies on no public network: IANA's special-purpose registries (RFC 6890 and its updates), multicast, the rest reserved, and the host of a machine at Azure, which lies among public addresses. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '168.63.129.16', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24',
  '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
];
/** Within 2000::/3, outside of which nothing is public. Teredo is among them: where its packets end, its address does not say. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '3fff::/20'];
const PUBLIC_IPV6 = '2000::/3';

/** Addresses and CIDR ranges. */
export function blockListOf(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return list;
}

const specialIpv4 = blockListOf(SPECIAL_IPV4);
const specialIpv6 = blockListOf(SPECIAL_IPV6);
const publicIpv6 = blockListOf([PUBLIC_IPV6]);

/**
 * The plain address behind one of its spellings, as `isIP` takes it: an IPv6 address that stands for an IPv4 one (mapped,
 * compatible, NAT64, 6to4, ISATAP) is that one. A zone is cut off.
 */
export function plainAddress(address: string): string {
  const bare = (address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address).split('%', 1)[0] ?? '';
  if (isIP(bare) !== 6) return bare;
  const words = wordsOf(bare);
  const place = embeddedAt(words);
  return place === undefined ? words.map((word) => word.toString(16)).join(':') : ipv4Of(words[place] ?? 0, words[place + 1] ?? 0);
}

/** Whether an address (an IP, in any spelling that `isIP` takes) lies on the public internet. */
export function isPublicAddress(address: string): boolean {
  const plain = plainAddress(address);
  switch (isIP(plain)) {
    case 4:
      return !specialIpv4.check(plain, 'ipv4');
    case 6:
      return publicIpv6.check(plain, 'ipv6') && !specialIpv6.check(plain, 'ipv6');
    default:
      return false;
  }
}

export const isWithin = (ranges: BlockList, address: string): boolean => {
  const plain = plainAddress(address);
  return isIP(plain) !== 0 && ranges.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6');
};

/** The eight words of an IPv6 address. */
function wordsOf(address: string): number[] {
  const value = ipv6(address);
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => Number((value >> shift) & 0xffffn));
}

/** Where in an IPv6 address the two words of an IPv4 address stand, when it stands for one. */
function embeddedAt(words: readonly number[]): number | undefined {
  const startsWith = (...start: number[]): boolean => start.every((word, index) => words[index] === word);
  if (startsWith(0, 0, 0, 0, 0, 0xffff)) return 6;
  // NAT64 (RFC 6052); the local-use prefix of RFC 8215 is outside of 2000::/3 and never public.
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return 6;
  // 6to4 (RFC 3056).
  if (startsWith(0x2002)) return 1;
  // ISATAP (RFC 5214): the interface's part of any prefix.
  if ((words[4] === 0 || words[4] === 0x200) && words[5] === 0x5efe) return 6;
  // IPv4-compatible (RFC 4291, section 2.5.5.1); the two lowest are the unspecified address and loopback.
  return startsWith(0, 0, 0, 0, 0, 0) && (words[6] !== 0 || (words[7] ?? 0) > 1) ? 6 : undefined;
}

const ipv4Of = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
