import { textOf } from './canary.ts';
import type { Canary } from './canary.ts';

/** Before the canaries of a message, so that one stands across the place where the host cuts it. */
export const prose: string = 'Word '.repeat(44);

/** Of the results of the server, so that one that is longer is cut. */
export const resultBytesMax = 8_192;
/** Of one answer to whoever reads a longer result. */
const pieceBytesMax = 262_144;

/** Offsets that nobody was told of; at each of them a value of the long text is under way. */
export const chosenOffsets: readonly number[] = [
  6,
  15,
  ...[-40, -33, -17].flatMap((back) => [resultBytesMax + back, pieceBytesMax + back]),
];

/** A text with values right at its beginning, and across every place where it is cut. */
export function longTextOf(canaries: readonly Canary[]): string {
  const email = canaries.find(({ kind }) => kind === 'email')?.value ?? '';
  const token = canaries.find(({ kind }) => kind === 'access-token')?.value ?? '';
  const beginning = `${email} ${textOf(canaries)}`;
  const first = `${fillUpTo(beginning, resultBytesMax - 400)}${`${token} `.repeat(12)}`;
  return `${fillUpTo(first, pieceBytesMax - 60)}${`${token} ${email} `.repeat(4)}`;
}

function fillUpTo(text: string, length: number): string {
  return text + 'word '.repeat((length - text.length) / 5);
}

/** The value as JSON text, with a card in it as a number: all of its digits, although no number of ours can hold them. */
export function withNumber(value: object, canaries: readonly Canary[]): string {
  const card = canaries.find(({ kind }) => kind === 'card')?.value;
  const text = JSON.stringify(value);
  return card === undefined ? text : `${text.slice(0, -1)},"number":${card}}`;
}

/** A JSON text with canaries under names that mean something elsewhere in MCP, and as a name. */
export function nestedIn(canaries: readonly Canary[]): string {
  const text = textOf(canaries);
  const [token = ''] = canaries.flatMap(({ kind, value }) =>
    kind === 'access-token' ? [value] : [],
  );
  const value = {
    data: { login: { token } },
    uri: `https://files.example.org/?token=${token}`,
    _meta: { type: text },
    [token]: 1,
  };
  return withNumber(value, canaries);
}
