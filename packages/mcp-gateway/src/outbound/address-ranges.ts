import { BlockList, isIPv4 } from 'node:net';

/** What an address is for. `forbidden` is never reached: metadata services of clouds, multicast, and what means no host. */
export type AddressRange = 'public' | 'loopback' | 'private' | 'forbidden';

type Subnet = readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'];

const loopback = listOf([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]);

const forbidden = listOf([
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]);

const reserved = listOf([
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
]);

/** What the Internet routes. Anything else of IPv6 is for somebody's own use, or hides an address of IPv4. */
const globalUnicast = listOf([['2000::', 3, 'ipv6']]);
const reservedUnicast = listOf([
  // Teredo, benchmarks, ORCHID, documentation and 6to4, of which the first and the last carry an address of IPv4.
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
]);
const translated = listOf([['64:ff9b::', 96, 'ipv6']]);
const mapped = listOf([['::ffff:0:0', 96, 'ipv6']]);

/** The range of an address of either family, in any way of writing it that the system's resolver or a URL has. */
export function rangeOf(address: string): AddressRange {
  const plain = address.split('%', 1)[0] ?? '';
  if (isIPv4(plain)) return rangeOfIpv4(plain);
  if (mapped.check(plain, 'ipv6') || translated.check(plain, 'ipv6')) {
    return rangeOfIpv4(lastFourBytes(plain));
  }
  if (loopback.check(plain, 'ipv6')) return 'loopback';
  if (forbidden.check(plain, 'ipv6')) return 'forbidden';
  const isPublic = globalUnicast.check(plain, 'ipv6') && !reservedUnicast.check(plain, 'ipv6');
  return isPublic ? 'public' : 'private';
}

function rangeOfIpv4(address: string): AddressRange {
  if (loopback.check(address, 'ipv4')) return 'loopback';
  if (forbidden.check(address, 'ipv4')) return 'forbidden';
  return reserved.check(address, 'ipv4') ? 'private' : 'public';
}

/** The address of IPv4 at the end of one of IPv6. */
function lastFourBytes(address: string): string {
  const tail = address.slice(address.lastIndexOf(':') + 1);
  if (isIPv4(tail)) return tail;
  // Writing it as the host of a URL leaves hexadecimal groups, with the last two of them always in full.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':');
  const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16));
  return [high ?? 0, low ?? 0].flatMap((group) => [group >> 8, group & 255]).join('.');
}

function listOf(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of subnets) list.addSubnet(network, prefix, family);
  return list;
}
