import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { textBounds } from './bounds.ts';

/** Whether one of its patterns for `like` is longer, or has more stars, than a text may be compared with. */
export function hasLargePattern({ conditions }: PolicyJson): boolean {
  const isLargeIn = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    if ('like' in value && isLarge(value.like)) return true;
    return Object.values(value).some(isLargeIn);
  };
  return conditions.some(({ body }) => isLargeIn(body));
}

/** In Cedar's format a star is a text, and each other character an object. */
function isLarge(like: unknown): boolean {
  if (typeof like !== 'object' || like === null || !('pattern' in like)) return false;
  const { pattern } = like;
  if (!Array.isArray(pattern)) return false;
  const stars = pattern.filter((part) => part === 'Wildcard').length;
  return pattern.length > textBounds.patternLength || stars > textBounds.patternStars;
}
