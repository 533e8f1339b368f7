import type { Recognizer } from './recognizer.ts';

const byte = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = `(?:${byte}\\.){3}${byte}`;

/** Addresses of machines. */
export const networkRecognizers: readonly Recognizer[] = [
  {
    detector: 'ip',
    kind: 'IP_ADDRESS',
    start: 'digit',
    form: new RegExp(`(?<!\\d\\.)${ipv4}(?:/\\d{1,2}(?!\\d))?(?![\\w]|\\.\\d{2})`, 'y'),
    certainty: 'certain',
    rank: 4,
  },
  ...(['digit', 'letter', 'sign'] as const).map((start): Recognizer => ({
    detector: 'ip',
    kind: 'IP_ADDRESS',
    start,
    form: /(?<![\w:])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?<=:[0-9]{1,3})(?:\.\d{1,3}){3})?)(?:%\w{1,16})?(?:\/\d{1,3}(?!\d))?(?![\w:]|\.\d)/y,
    certainty: 'certain',
    check: isIpv6,
    rank: 4,
  })),
  ...(['digit', 'letter'] as const).flatMap((start): Recognizer[] => [
    {
      detector: 'mac',
      kind: 'MAC_ADDRESS',
      start,
      form: /[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w]|[:-][0-9A-Fa-f])/y,
      certainty: 'certain',
      check: isMac,
      rank: 5,
    },
    {
      detector: 'mac',
      kind: 'MAC_ADDRESS',
      start,
      form: /[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w])/y,
      certainty: 'certain',
      check: isMac,
      rank: 5,
    },
  ]),
];

/** The addresses of everyone and of no one are nobody's. */
function isMac(value: string): boolean {
  const plain = value.replaceAll(/[^0-9A-Fa-f]/g, '').toLowerCase();
  return plain !== '000000000000' && plain !== 'ffffffffffff';
}

function isIpv6(value: string): boolean {
  // Times of day are the most frequent of what looks like one.
  if (!value.includes('::') && value.split(':').length < 7) return false;
  const address = value.replace(/[%/].*$/s, '');
  const dotted = /:((?:\d{1,3}\.){3}\d{1,3})$/.exec(address)?.[1];
  if (dotted !== undefined && dotted.split('.').some((part) => Number(part) > 255)) {
    return false;
  }
  const groups = (dotted === undefined ? address : address.replace(dotted, '0:0')).split('::');
  if (groups.length > 2 || address.includes(':::')) {
    return false;
  }
  const counts = groups.map((side) => (side === '' ? 0 : side.split(':').length));
  const count = counts.reduce((sum, part) => sum + part, 0);
  const isWhole = groups.every((side) => !side.startsWith(':') && !side.endsWith(':'));
  return isWhole && (groups.length === 2 ? count <= 7 : count === 8);
}
