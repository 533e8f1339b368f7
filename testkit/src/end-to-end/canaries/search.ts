import type { Canary } from './canary.ts';

/** Something that left the host, or that it left behind. */
export interface Output {
  /** Such as `file data/audit.jsonl`, `stderr`, `GetRun`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every canary that stands in an output, however it is spelled: `GetRun: email of tool-result (as it is)`. */
export function findCanaries(
  canaries: readonly Canary[],
  outputs: readonly Output[],
): readonly string[] {
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
  return outputs.flatMap(({ name, bytes }) => {
    const found = find(bytes);
    return canaries.flatMap((canary) => {
      const spelling = found.get(canary);
      return spelling === undefined
        ? []
        : [`${name}: ${canary.kind} of ${canary.place} (${spelling})`];
    });
  });
}

interface Needle {
  readonly bytes: Buffer;
  readonly canary: Canary;
  readonly spelling: string;
}

const keyLength = 4;

/** Goes through an output once, however many needles there are: there are thousands. */
function createFinder(needles: readonly Needle[]): (bytes: Buffer) => ReadonlyMap<Canary, string> {
  const byKey = Map.groupBy(needles, ({ bytes }) => bytes.readUInt32BE(0));
  // Most places are of no interest, by their first two bytes alone.
  const begins = new Uint8Array(65_536);
  for (const key of byKey.keys()) begins[key >>> 16] = 1;
  return (bytes) => {
    const found = new Map<Canary, string>();
    for (let at = 0; at + keyLength <= bytes.length; at += 1) {
      // Both are within the bytes.
      if (begins[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] === 0) continue;
      for (const { bytes: needle, canary, spelling } of byKey.get(bytes.readUInt32BE(at)) ?? []) {
        if (!needle.equals(bytes.subarray(at, at + needle.length))) continue;
        if (!found.has(canary)) found.set(canary, spelling);
      }
    }
    return found;
  };
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
