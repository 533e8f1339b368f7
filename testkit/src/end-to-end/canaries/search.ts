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
  const searched = canaries.map((canary) => ({ canary, spellings: spellingsOf(canary.mark) }));
  return outputs.flatMap(({ name, bytes }) =>
    searched.flatMap(({ canary, spellings }) => {
      const found = spellings.find(({ text }) => bytes.includes(text));
      return found === undefined
        ? []
        : [`${name}: ${canary.kind} of ${canary.place} (${found.name})`];
    }),
  );
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
