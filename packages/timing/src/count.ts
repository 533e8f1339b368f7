/**
 * A whole number from the command line of a bench or a proof. Throws with the flag for what is none: as NaN it would end every
 * loop at once, and a proof of nothing would pass.
 */
export function readCount(flag: string, text: string, least: number = 1): number {
  const value = Number(text);
  if (/^\d{1,12}$/.test(text) && value >= least) return value;
  throw new Error(`${flag}: ${JSON.stringify(text)}: write a whole number of at least ${least}`);
}
