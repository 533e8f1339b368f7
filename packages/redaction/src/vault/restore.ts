import { isJsonObject, type Json } from '@modelhost/kernel';

/** An argument of a tool that may have real values. */
export interface Reveal {
  /** Such as `recipient` or `lines[0].text`; what is below it is meant too. */
  readonly path: string;
  /** The kinds that are revealed there, such as EMAIL. */
  readonly kinds: readonly string[];
}

/** Arguments for a tool, or why they are refused. */
export type Restored =
  | {
      readonly type: 'restored';
      readonly value: Json;
      /** For the record, by placeholder; never the value. */
      readonly restored: readonly { readonly path: string; readonly placeholder: string }[];
    }
  | {
      readonly type: 'refused';
      /** Where the placeholder stands that this session did not issue. */
      readonly path: string;
      readonly placeholder: string;
    };

/** What a vault knows of placeholders. */
export interface KnownPlaceholders {
  /** Undefined for one that was not issued. */
  kindOf(placeholder: string): string | undefined;
  /** Of one that was issued. */
  valueOf(placeholder: string): string;
}

/** A placeholder as issued: kind and number. */
export const readPlaceholders: RegExp = /\[([A-Z][A-Z0-9_]{0,63})_(\d{1,9})(?::[\da-f]{4})?\]/;

const everyPlaceholder = new RegExp(readPlaceholders, 'g');
// What may stand between two brackets, or before the colon of a tag; no two such stretches overlap.
const stretch = /[[\uff3b]([^[\]\uff3b\uff3d:\uff1a]+)(?=[\]\uff3d:\uff1a])/gu;
const unseen = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
// As one that a reader, or a model, could take for it.
const looksLikePlaceholder = /^\s*[A-Z][A-Z0-9_]*_\d+\s*$/iu;

/**
 * A text from outside in which nothing is a placeholder any more, so that it cannot ask for a value to be put somewhere;
 * the bracket of each becomes a round one. It sees through characters that nobody sees.
 */
export function escapePlaceholders(text: string): string {
  return text.replaceAll(stretch, (given: string, inside: string) =>
    looksLikePlaceholder.test(inside.replaceAll(unseen, '').normalize('NFKC'))
      ? `(${inside}`
      : given,
  );
}

/** Puts values back where they are revealed. Keys of objects never get any. */
export function restoreValues(
  input: Json,
  reveal: readonly Reveal[],
  known: KnownPlaceholders,
): Restored {
  const restored: { readonly path: string; readonly placeholder: string }[] = [];
  const forged: { readonly path: string; readonly placeholder: string }[] = [];

  const revealed = reveal.map(({ path, kinds }) => ({ segments: readPath(path), kinds }));

  function restoreText(text: string, segments: Segments): string {
    const kinds = revealed
      .filter((entry) => isBelow(segments, entry.segments))
      .flatMap((entry) => entry.kinds);
    const path = writePath(segments);
    return text.replaceAll(everyPlaceholder, (placeholder) => {
      const kind = known.kindOf(placeholder);
      if (kind === undefined) forged.push({ path, placeholder });
      if (kind === undefined || !kinds.includes(kind)) return placeholder;
      restored.push({ path, placeholder });
      return known.valueOf(placeholder);
    });
  }

  function restoreAt(value: Json, segments: Segments): Json {
    if (typeof value === 'string') return restoreText(value, segments);
    if (typeof value !== 'object' || value === null) return value;
    if (!isJsonObject(value)) return value.map((item, at) => restoreAt(item, [...segments, at]));
    const entries = Object.entries(value).map(([key, item]) => {
      checkKey(key, segments);
      return [key, restoreAt(item, [...segments, key])] as const;
    });
    return Object.fromEntries(entries);
  }

  function checkKey(key: string, segments: Segments): void {
    for (const [placeholder] of key.matchAll(everyPlaceholder)) {
      if (known.kindOf(placeholder) === undefined) {
        forged.push({ path: writePath(segments), placeholder });
      }
    }
  }

  const value = restoreAt(input, []);
  const [first] = forged;
  return first === undefined
    ? { type: 'restored', value, restored }
    : { type: 'refused', ...first };
}

/** Names of members, and places in lists. */
type Segments = readonly (string | number)[];

/** What is between dots and brackets. A name that has one of these itself is none that a path could mean. */
function readPath(path: string): Segments {
  return path
    .split(/\.|(?=\[)/)
    .map((part) => (/^\[\d+\]$/.test(part) ? Number(part.slice(1, -1)) : part));
}

function writePath(segments: Segments): string {
  return segments.reduce<string>((path, segment) => {
    if (typeof segment === 'number') return `${path}[${segment}]`;
    return path === '' ? segment : `${path}.${segment}`;
  }, '');
}

function isBelow(segments: Segments, revealed: Segments): boolean {
  return revealed.every((segment, at) => segments[at] === segment);
}
