import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { cleanText, hasHidden } from '@modelhost/shown-text';
import { findPhrases, wordsOf } from './suspicious-phrases.ts';

const warningsMax = 16;
const pathLengthMax = 120;

/** Names of tools of other servers that a definition has no reason to mention, in lower case. */
export type ForeignNames = ReadonlySet<string>;

/**
 * What in a definition looks like an attack on its reader, each with its place; at most 16. A help for whoever approves
 * it: somebody who wants to can write around every rule here, which is why definitions are pinned.
 */
export function scanDefinition(definition: JsonObject): readonly string[] {
  return scanTexts(definition, (text) => [
    ...hiddenKinds(text),
    ...findPhrases(wordsOf(cleanText(text))),
  ]);
}

/** Where a definition mentions a tool of another server: it may want to change how that one is used. */
export function scanForNames(definition: JsonObject, names: ForeignNames): readonly string[] {
  return scanTexts(definition, (text) =>
    nameLikes(cleanText(text))
      .filter((name) => names.has(name))
      .map((name) => `mentions ${name}`),
  );
}

/** The name as it is looked for; undefined for a plain word, which says nothing. */
export function foreignNameOf(tool: string): string | undefined {
  return /[a-z0-9][A-Z_.-]|[_.-][A-Za-z0-9]/.test(tool) ? tool.toLowerCase() : undefined;
}

/** Everything in a text that could be the name of a tool, in lower case. */
function nameLikes(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9_]+(?:[.-][a-z0-9_]+)*/g) ?? [];
}

function scanTexts(
  definition: JsonObject,
  find: (text: string) => readonly string[],
): readonly string[] {
  const warnings = new Set<string>();

  function look(path: string, text: string): void {
    if (warnings.size >= warningsMax) return;
    for (const finding of find(text)) warnings.add(`${path}: ${finding}`);
  }

  function visit(path: string, value: Json): void {
    if (typeof value === 'string') {
      look(path, value);
    } else if (Array.isArray(value)) {
      for (const item of value) visit(path, item);
    } else if (isJsonObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        const place = join(path, name);
        // Names of members are read by a model as well.
        if (path !== '') look(place, name);
        visit(place, member);
      }
    }
  }

  visit('', definition);
  return [...warnings].slice(0, warningsMax);
}

function join(path: string, name: string): string {
  const part = cleanText(name).replace(/\s/g, ' ');
  return (path === '' ? part : `${path}.${part}`).slice(0, pathLengthMax);
}

function hiddenKinds(text: string): readonly string[] {
  if (!hasHidden(text)) return [];
  const kinds = hiddenCharacters
    .filter(([, pattern]) => pattern.test(text))
    .map(([kind]) => `has ${kind}`);
  return kinds.length > 0 ? kinds : ['has invisible characters'];
}

const hiddenCharacters: readonly (readonly [string, RegExp])[] = [
  ['control characters of a terminal', /\p{Cc}(?<![\t\n\r])/u],
  ['characters that turn the direction of writing', /\p{Bidi_Control}/u],
  ['invisible tag characters', /[\u{E0000}-\u{E007F}]/u],
  ['characters of no width', /[\u200B-\u200D\u2060\uFEFF]/u],
];
