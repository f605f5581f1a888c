import { isPublicAddress, isWithin, plainAddress, blockListOf } from './addresses.js';

describe('isPublicAddress', () => {
  it.each([
    '0.0.0.0', '0.1.2.3', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '168.63.129.16', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.7',
    '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  ])('refuses %s', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each([
    '::', '::1', '[::1]', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '100::1', '2001:db8::1', '2001::1', '2001:0:7f00:1::1', '3fff::1', '5f00::1', '4000::1',
    // Spellings of IPv4 addresses: mapped, compatible, NAT64 (and its local prefix), 6to4, ISATAP.
    '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a9fe:a9fe', '::FFFF:10.0.0.1', '::127.0.0.1', '::10.0.0.1',
    '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::10.0.0.1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:c0a8:101::1', '2606:4700::5efe:10.0.0.1', '2606:4700::200:5efe:7f00:1',
  ])('refuses %s', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['1.1.1.1', '8.8.8.8', '172.15.255.255', '172.32.0.1', '100.128.0.1', '192.0.1.1', '223.255.255.255', '2606:4700::1111', '2a00:1450::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'])(
    'takes %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each(['', 'localhost', '1.2.3', '0177.0.0.1', '0x7f.0.0.1', '2130706433', '1.1.1.1.1', ':::'])('takes no %j for an address', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('what a URL makes of other spellings', () => {
  it.each(['http://2130706433/', 'http://0177.0.0.1/', 'http://0x7f.1/', 'http://127.1/', 'http://0x7f000001/', 'http://127.0.0.1./', 'http://１２７.0.0.1/', 'http://127。0。0。1/', 'http://[::ffff:127.0.0.1]/'])(
    '%s is loopback',
    (url) => {
      const { hostname } = new URL(url);
      expect(isPublicAddress(hostname)).toBe(false);
      expect(plainAddress(hostname)).toBe('127.0.0.1');
    },
  );
});

describe('ranges', () => {
  const ranges = blockListOf(['10.0.0.0/8', '192.168.7.7', 'fd00::/8']);

  it.each(['10.1.2.3', '192.168.7.7', 'fd12::1', '::ffff:10.9.9.9', '[fd12::1]'])('hold %s', (address) => expect(isWithin(ranges, address)).toBe(true));
  it.each(['11.0.0.1', '192.168.7.8', 'fe80::1', '::ffff:11.0.0.1', 'localhost', ''])('do not hold %s', (address) => expect(isWithin(ranges, address)).toBe(false));
});
