import { createHash } from 'node:crypto';
import type { Recognizer } from './recognizer.ts';

/** Addresses of wallets, by their own checksums. */
export const walletRecognizers: readonly Recognizer[] = [
  ...(['digit', 'letter'] as const).map((start): Recognizer => ({
    detector: 'wallet',
    kind: 'WALLET',
    start,
    form: /[13][1-9A-HJ-NP-Za-km-z]{25,34}(?!\w)/y,
    certainty: 'certain',
    check: isBase58Check,
    rank: 5,
  })),
  {
    detector: 'wallet',
    kind: 'WALLET',
    start: 'letter',
    form: /(?:bc1|tb1)[02-9ac-hj-np-z]{8,87}(?!\w)/iy,
    certainty: 'certain',
    check: isBech32,
    rank: 5,
  },
  {
    detector: 'wallet',
    kind: 'WALLET',
    start: 'digit',
    form: /0x[0-9A-Fa-f]{40}(?!\w)/y,
    certainty: 'certain',
    rank: 5,
  },
];

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

function isBase58Check(value: string): boolean {
  let number = 0n;
  for (const character of value) {
    number = number * 58n + BigInt(base58.indexOf(character));
  }
  const hex = number.toString(16).padStart(50, '0');
  if (hex.length !== 50) {
    return false;
  }
  const bytes = Buffer.from(hex, 'hex');
  const twice = sha256(sha256(bytes.subarray(0, 21)));
  return twice.subarray(0, 4).equals(bytes.subarray(21));
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

const bech32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function isBech32(value: string): boolean {
  const lower = value.toLowerCase();
  const head = lower.slice(0, 2);
  const values = [
    ...Array.from(head, (character) => character.charCodeAt(0) >> 5),
    0,
    ...Array.from(head, (character) => character.charCodeAt(0) & 31),
    ...Array.from(lower.slice(3), (character) => bech32.indexOf(character)),
  ];
  let check = 1;
  for (const next of values) {
    const top = check >>> 25;
    check = ((check & 0x1ff_ffff) << 5) ^ next;
    generators.forEach((generator, bit) => {
      check ^= (top >>> bit) & 1 ? generator : 0;
    });
  }
  return check === 1 || check === 0x2bc8_30a3;
}
