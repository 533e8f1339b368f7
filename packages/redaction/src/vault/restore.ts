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
// Also as one that a reader, or a model, could take for it.
const looksLikePlaceholder =
  /[[\uff3b](?=[\s\p{Cf}]*[A-Z][A-Z0-9_\p{Cf}]{0,127}_[\p{Cf}]*\d[\d\p{Cf}]{0,63}[\s\p{Cf}]*[:\]\uff1a\uff3d])/giu;

/**
 * A text from outside in which nothing is a placeholder any more, so that it cannot ask for a value to be put somewhere;
 * the bracket of each becomes a round one.
 */
export function escapePlaceholders(text: string): string {
  return text.replaceAll(looksLikePlaceholder, '(');
}

/** Puts values back where they are revealed. Keys of objects never get any. */
export function restoreValues(
  input: Json,
  reveal: readonly Reveal[],
  known: KnownPlaceholders,
): Restored {
  const restored: { readonly path: string; readonly placeholder: string }[] = [];
  const forged: { readonly path: string; readonly placeholder: string }[] = [];

  function restoreText(text: string, path: string): string {
    const kinds = reveal
      .filter((entry) => isBelow(path, entry.path))
      .flatMap((entry) => entry.kinds);
    return text.replaceAll(everyPlaceholder, (placeholder) => {
      const kind = known.kindOf(placeholder);
      if (kind === undefined) forged.push({ path, placeholder });
      if (kind === undefined || !kinds.includes(kind)) return placeholder;
      restored.push({ path, placeholder });
      return known.valueOf(placeholder);
    });
  }

  function restoreAt(value: Json, path: string): Json {
    if (typeof value === 'string') return restoreText(value, path);
    if (typeof value !== 'object' || value === null) return value;
    if (!isJsonObject(value)) return value.map((item, at) => restoreAt(item, `${path}[${at}]`));
    const entries = Object.entries(value).map(([key, item]) => {
      checkKey(key, path);
      return [key, restoreAt(item, path === '' ? key : `${path}.${key}`)] as const;
    });
    return Object.fromEntries(entries);
  }

  function checkKey(key: string, path: string): void {
    for (const [placeholder] of key.matchAll(everyPlaceholder)) {
      if (known.kindOf(placeholder) === undefined) forged.push({ path, placeholder });
    }
  }

  const value = restoreAt(input, '');
  const [first] = forged;
  return first === undefined
    ? { type: 'restored', value, restored }
    : { type: 'refused', ...first };
}

function isBelow(path: string, revealed: string): boolean {
  if (!path.startsWith(revealed)) return false;
  const next = path.charAt(revealed.length);
  return next === '' || next === '.' || next === '[';
}
