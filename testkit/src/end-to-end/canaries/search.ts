import type { Canary } from './canary.ts';

/** Something that left the host, or that it left behind. */
export interface Output {
  /** Such as `file data/audit.jsonl`, `stderr`, `GetRun`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** A canary that stands in an output. */
export interface FoundCanary {
  readonly output: Output;
  readonly canary: Canary;
  /** How it is spelled there, such as `in JSON`. */
  readonly spelling: string;
}

/** Every canary that stands in an output, in words: `GetRun: email of tool-result (as it is)`. */
export function findCanaries(
  canaries: readonly Canary[],
  outputs: readonly Output[],
): readonly string[] {
  return searchFor(canaries, outputs).map(
    ({ output: { name }, canary: { kind, place }, spelling }) =>
      `${name}: ${kind} of ${place} (${spelling})`,
  );
}

/** Every canary that stands in an output, however it is spelled; each output is gone through once. */
export function searchFor(
  canaries: readonly Canary[],
  outputs: readonly Output[],
): readonly FoundCanary[] {
  const needles = canaries.flatMap((canary) =>
    canary.marks.flatMap((mark) =>
      spellingsOf(mark).map(({ name, text }): Needle => ({
        bytes: Buffer.from(text),
        canary,
        spelling: name,
      })),
    ),
  );
  const find = createFinder(needles);
  return outputs.flatMap((output) => {
    const found = find(output.bytes);
    return canaries.flatMap((canary) => {
      const spelling = found.get(canary);
      return spelling === undefined ? [] : [{ output, canary, spelling }];
    });
  });
}

interface Needle {
  readonly bytes: Buffer;
  readonly canary: Canary;
  readonly spelling: string;
}

/** Bytes of a needle that are looked for first, its last ones: many begin in the same way. */
const keyLength = 4;

/** Goes through an output once, however many needles there are: there are thousands. */
function createFinder(needles: readonly Needle[]): (bytes: Buffer) => ReadonlyMap<Canary, string> {
  const byKey = Map.groupBy(needles, ({ bytes }) => bytes.readUInt32BE(bytes.length - keyLength));
  // Nearly all places are of no interest, by one look into this.
  const isKnown = new Uint8Array(2 ** 20);
  for (const key of byKey.keys()) isKnown[scatter(key)] = 1;
  return (bytes) => {
    const found = new Map<Canary, string>();
    let key = 0;
    for (let end = 1; end <= bytes.length; end += 1) {
      // One that is within the bytes is a number.
      key = ((key << 8) | (bytes[end - 1] ?? 0)) >>> 0;
      if (isKnown[scatter(key)] === 0) continue;
      for (const { bytes: needle, canary, spelling } of byKey.get(key) ?? []) {
        const start = end - needle.length;
        if (start < 0 || bytes.compare(needle, 0, needle.length, start, end) !== 0) continue;
        if (!found.has(canary)) found.set(canary, spelling);
      }
    }
    return found;
  };
}

function scatter(key: number): number {
  return Math.imul(key, 0x9e_37_79_b1) >>> 12;
}

interface Spelling {
  readonly name: string;
  readonly text: string | Buffer;
}

/** Ways in which a text is written inside of others. */
function spellingsOf(mark: string): readonly Spelling[] {
  const bytes = Buffer.from(mark);
  const hex = bytes.toString('hex');
  // What stands before it in the same base64 shifts it by a number of bytes.
  const base64 = [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const [from, to] = [Math.ceil((shift * 8) / 6), Math.floor((shifted.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => ({
      name: encoding,
      text: shifted.toString(encoding).slice(from, to),
    }));
  });
  return [
    { name: 'as it is', text: mark },
    { name: 'in JSON', text: JSON.stringify(mark).slice(1, -1) },
    { name: 'in JSON within JSON', text: JSON.stringify(JSON.stringify(mark)).slice(3, -3) },
    { name: 'in a URL', text: encodeURIComponent(mark) },
    { name: 'in a form', text: encodeURIComponent(mark).replaceAll('%20', '+') },
    { name: 'hexadecimal', text: hex },
    { name: 'hexadecimal', text: hex.toUpperCase() },
    { name: 'UTF-16', text: Buffer.from(mark, 'utf16le') },
    { name: 'backwards', text: Array.from(mark).toReversed().join('') },
    ...base64,
  ];
}
