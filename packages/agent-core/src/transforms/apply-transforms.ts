import type { Obligations } from '@modelhost/kernel';
import { stripInvisible } from './strip-invisible.ts';
import { stripLinks } from './strip-links.ts';
import { stripMarkup } from './strip-markup.ts';

type Transform = Obligations['transforms'][number];

/** What hides others goes first, and links go before the marks that they are made of. */
const order: readonly Transform[] = ['strip_invisible', 'strip_links', 'strip_markup'];
/** What one takes away may uncover something for another. */
const roundsMax = 4;

/** Does all of these to a text. To do them again changes nothing. */
export function applyTransforms(text: string, transforms: Obligations['transforms']): string {
  const wanted = order.filter((transform) => transforms.includes(transform));
  let before = text;
  for (let round = 0; round < roundsMax; round += 1) {
    const after = wanted.reduce((changed, transform) => applyOne(changed, transform), before);
    if (after === before || wanted.length === 1) return after;
    before = after;
  }
  // Made to go on: nothing that a mark or a link could begin with is left.
  return before.replaceAll(/[^\p{L}\p{N}\s,;?]/gu, ' ');
}

function applyOne(text: string, transform: Transform): string {
  switch (transform) {
    case 'strip_invisible':
      return stripInvisible(text);
    case 'strip_links':
      return stripLinks(text);
    case 'strip_markup':
      return stripMarkup(text);
  }
}
