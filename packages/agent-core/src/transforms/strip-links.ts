import { untilStable } from './until-stable.ts';

/** `[text](target)` and `![text](target)`, the innermost first. */
const inline = /!?\[([^[\]]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)/g;
/** `[name]: target`, which another place refers to. */
const definition = /^[ \t]{0,3}\[[^[\]\n]+\]:[ \t]*\S+.*$/gm;
/** An address with its scheme; the handle of a result is none. */
const address =
  /(?:(?<![a-z])(?!result:)[a-z][a-z0-9+.-]{0,63}:\/\/|(?<![a-z0-9])(?:mailto|data|javascript|tel|vbscript):(?=\S)|(?<![a-z0-9])www\.(?=\S)|(?<![:\w/])\/\/(?=[\w-]+\.))[^\s<>"'`)\]]*/gi;
/** Whatever a link needs. */
const parts = /[[\]()<>:/.]/g;

/** A text without links: what they are called stays, where they lead goes. */
export function stripLinks(text: string): string {
  return untilStable(text, removeOnce, parts);
}

function removeOnce(text: string): string {
  return text.replaceAll(inline, '$1').replaceAll(definition, '').replaceAll(address, '');
}
