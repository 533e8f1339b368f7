import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { rangeOf } from './address-ranges.ts';

const known = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'],
  private: [
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.2.1',
    '198.18.0.1',
    'fc00::1',
    'fdff::1',
    'fec0::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2001::7f00:1',
    '64:ff9b:1::1',
    '::7f00:1',
    '100::1',
    'no address',
    '',
  ],
  forbidden: [
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::169.254.169.254',
  ],
  public: [
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00::1',
    '64:ff9b::808:808',
  ],
} as const;

for (const [range, addresses] of Object.entries(known)) {
  test(`these addresses are ${range}`, () => {
    for (const address of addresses) assert.equal(rangeOf(address), range, address);
  });
}

test('an address of IPv4 is of the same range when IPv6 carries it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      const hexadecimal = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const carrier of ['::ffff:', '0:0:0:0:0:ffff:', '64:ff9b::', '64:ff9b:0:0:0:0:']) {
        assert.equal(rangeOf(carrier + address), rangeOf(address));
        assert.equal(rangeOf(carrier + hexadecimal), rangeOf(address));
      }
    }),
  );
});
