const looked = 512;

/** Shannon's entropy in bits per character, of the first 512; 0 for an empty text. */
export function entropyOf(whole: string): number {
  const text = whole.slice(0, looked);
  const counts = new Map<number, number>();
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    counts.set(unit, (counts.get(unit) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of counts.values()) {
    const share = count / text.length;
    bits -= share * Math.log2(share);
  }
  return bits;
}
