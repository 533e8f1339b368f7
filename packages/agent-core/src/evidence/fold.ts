// Format characters (zero-width, bidirectional, soft hyphen, tags) and fillers that are drawn as nothing.
const invisible =
  /\p{Cf}|\p{Variation_Selector}|\u034F|\u115F|\u1160|\u17B4|\u17B5|\u3164|\uFFA0/gu;

/** Whether the text is not what it looks like: it has characters that nobody sees, or such as only look like others. */
export function isDisguised(text: string): boolean {
  return text.search(invisible) >= 0 || text.normalize('NFKC') !== text.normalize('NFC');
}

/** One spelling for all that look the same: compatible characters, case and white space folded, invisible ones left out. */
export function fold(text: string): string {
  const plain = text.normalize('NFKC').replace(invisible, '').toLowerCase();
  return plain.replace(/\s+/gu, ' ').trim();
}

/** The same for what a person wrote, who forgets the space after a full stop: `see a.com.They` names `a.com`. */
export function foldPrompt(text: string): string {
  return fold(text.normalize('NFKC').replace(/(?<=[\p{Ll}\p{N}])\.(?=\p{Lu}\p{Ll})/gu, '. '));
}
