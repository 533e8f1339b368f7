import { createHash } from 'node:crypto';

/** What a canary looks like. */
export const canaryKinds = [
  'cloud-key',
  'access-token',
  'signed-token',
  'private-key',
  'email',
  'term',
  'card',
] as const;
/** A password looks like nothing in particular, so only its owner can tell. */
export type CanaryKind = (typeof canaryKinds)[number] | 'password';

/** A made-up value that nothing else in the world has, planted in one place. */
export interface Canary {
  readonly place: string;
  readonly kind: CanaryKind;
  readonly value: string;
  /** Parts of it of which none may be anywhere: of a value in two halves, one has all of one of them. */
  readonly marks: readonly string[];
}

/** One of each of these kinds for a place. The same place has the same canaries, and no two places share one. */
export function createCanaries(
  place: string,
  kinds: readonly CanaryKind[] = canaryKinds,
): readonly Canary[] {
  return kinds.map((kind) => ({ place, kind, ...valueOf(kind, place) }));
}

/** A text that has them all in it. */
export function textOf(canaries: readonly Canary[]): string {
  return canaries
    .map(({ kind, value }) => `The ${kind.replace('-', ' ')} is ${value} now.\n`)
    .join('');
}

// Everything is put together here, so that no scanner takes a line of this file for a live secret.
function valueOf(kind: CanaryKind, place: string): Pick<Canary, 'value' | 'marks'> {
  switch (kind) {
    case 'cloud-key':
      return halves(
        ['AK', 'IA', draw(place, kind, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)].join(''),
      );
    case 'access-token':
      return halves(['ghp', draw(place, kind, alphanumeric, 36)].join('_'));
    case 'signed-token': {
      const claims = toBase64Url({ sub: draw(place, kind, alphanumeric, 24), iat: 1_790_000_000 });
      const signature = draw(place, `${kind}/signature`, alphanumeric, 43);
      const value = `${toBase64Url({ alg: 'HS256', typ: 'JWT' })}.${claims}.${signature}`;
      return { value, marks: [signature] };
    }
    case 'private-key': {
      const mark = draw(place, `${kind}/2`, alphanumeric, 64);
      const body = [
        draw(place, kind, alphanumeric, 64),
        mark,
        draw(place, `${kind}/3`, alphanumeric, 40),
      ];
      const name = 'PRIVATE KEY';
      return {
        value: `-----BEGIN ${name}-----\n${body.join('\n')}\n-----END ${name}-----`,
        marks: [mark],
      };
    }
    case 'email':
      return named((name) => `${name}@canary.example.org`, place, kind);
    case 'password':
      return whole(draw(place, kind, letters, 20));
    case 'card':
      return halves(withCheckDigit(`62${draw(place, kind, digits, 16)}`));
    case 'term':
      return named((name) => `Operation ${name}`, place, kind);
  }
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const digits = '0123456789';

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** As the numbers of cards end, so that Luhn's check is passed. */
function withCheckDigit(body: string): string {
  const sum = Array.from(body, Number)
    .toReversed()
    .map((digit, at) => (at % 2 === 1 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9))
    .reduce((one, other) => one + other, 0);
  return `${body}${(10 - (sum % 10)) % 10}`;
}

function whole(value: string): Pick<Canary, 'value' | 'marks'> {
  return { value, marks: [value] };
}

function halves(value: string): Pick<Canary, 'value' | 'marks'> {
  const half = Math.ceil(value.length / 2);
  return { value, marks: [value.slice(0, half), value.slice(-half)] };
}

function named(
  spell: (name: string) => string,
  place: string,
  kind: CanaryKind,
): Pick<Canary, 'value' | 'marks'> {
  const name = draw(place, kind, letters, 12);
  return { value: spell(name), marks: [name.slice(0, 8), name.slice(-8)] };
}

/** Characters that depend on place and kind alone. */
function draw(place: string, kind: string, alphabet: string, length: number): string {
  const bytes = createHash('sha512').update(`${place}\n${kind}`).digest();
  return Array.from(bytes.subarray(0, length), (byte) =>
    alphabet.charAt(byte % alphabet.length),
  ).join('');
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
