// Format characters (zero-width, bidirectional, soft hyphen, tags) and fillers that are drawn as nothing.
const invisible =
  /\p{Cf}|\p{Variation_Selector}|\u034F|\u115F|\u1160|\u17B4|\u17B5|\u3164|\uFFA0/gu;

/** Whether the text is not what it looks like: it has characters that nobody sees, or such as only look like others. */
export function isDisguised(text: string): boolean {
  return text.search(invisible) >= 0 || text.normalize('NFKC') !== text.normalize('NFC');
}

/** One spelling for all that look the same: compatible characters, case and white space folded, invisible ones left out. */
export function fold(text: string): string {
  return foldAllButCase(text).toLowerCase();
}

/** The same, with the letters as they were written. */
export function foldAllButCase(text: string): string {
  return text.normalize('NFKC').replace(invisible, '').replace(/\s+/gu, ' ').trim();
}
