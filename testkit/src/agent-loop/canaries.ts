import type { ModelEvent } from '@modelhost/kernel';

/** A value that looks like a secret, put together here so that no scanner takes it for one that leaked. */
export const secret: string = ['ghp', '_', 'k3Xq9Zt7Lm2Vb8Rw5Yc1', 'Nf6Hd4Js0Pg7Ta2E'].join('');
export const email = 'ann.canary@example.org';

/** How much of the secret would already tell something: more than the beginning that all of its kind share. */
export const secretStart: string = secret.slice(0, 8);

/** A text as deltas of so many units. */
export function piecesOf(
  type: 'text-delta' | 'reasoning-delta',
  text: string,
  length: number,
): readonly ModelEvent[] {
  const pieces: ModelEvent[] = [];
  for (let at = 0; at < text.length; at += length) {
    pieces.push({ type, text: text.slice(at, at + length) });
  }
  return pieces;
}
