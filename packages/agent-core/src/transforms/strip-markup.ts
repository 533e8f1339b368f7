import { untilStable } from './until-stable.ts';

const comment = /<!--[^]*?(?:-->|$)/g;
const tag = /<\/?[a-z!?][^<>]*>/gi;
const image = /!\[([^[\]]*)\]\([^()\n]*\)/g;
/** Of headings, quotes and fences, at the start of a line. */
const lineMark = /^[ \t]{0,3}(?:#{1,6}[ \t]+|>[ \t]?|`{3,}.*|~{3,}.*)/gm;
/** Of strong and struck text and of code; a single star or line is text. */
const emphasis = /\*\*|__|~~|`/g;
const parts = /[<>#*_~`![\]]/g;

/** A text without the marks of HTML and Markdown; links are left to their own transform. */
export function stripMarkup(text: string): string {
  return untilStable(text, removeOnce, parts);
}

function removeOnce(text: string): string {
  return text
    .replaceAll(comment, '')
    .replaceAll(tag, '')
    .replaceAll(image, '$1')
    .replaceAll(lineMark, '')
    .replaceAll(emphasis, '');
}
