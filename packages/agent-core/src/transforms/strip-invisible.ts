import { showText } from '@modelhost/shown-text';

/** What may stay where a person looks, and says nothing to a model: line ends but LF, private use, how an emoji looks. */
const unneeded = /[\r\u2028\u2029\p{Co}]|\uFE0F/gu;

/** A text without terminal sequences and what nobody sees. */
export function stripInvisible(text: string): string {
  return showText(text).replaceAll(unneeded, '');
}
