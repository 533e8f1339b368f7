import { sha256Hex } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';

/** Member of a list's result that holds the entries. */
export type ListKey = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** A page of a list, as an object and as JSON for the wire of 2026-07-28. */
export interface ListPage {
  readonly result: JsonObject;
  readonly text: string;
}

/** A list that never changes, cut into pages. */
export interface ListPages {
  /** Bytes of all entries as JSON. */
  readonly bytes: number;
  /** Undefined for a cursor that this list did not give out: the list has changed, or it never was one. */
  page(cursor: string | undefined): ListPage | undefined;
}

/** What the pages of a list are made with. */
export interface ListPagesOptions {
  readonly key: ListKey;
  readonly itemsMax: number;
  readonly ttlMs: number;
  /** `_meta` of each page. */
  readonly meta: JsonObject;
}

/**
 * Writes a list down as JSON, once. A cursor names the list's content and a page, so it is good on every replica and
 * after a restart, as long as the list is the same.
 */
export function createListPages(
  entries: readonly JsonObject[],
  options: ListPagesOptions,
): ListPages {
  const { key, itemsMax, ttlMs, meta } = options;
  const texts = entries.map((entry) => JSON.stringify(entry));
  const all = texts.join(',');
  const pagesTotal = Math.max(1, Math.ceil(entries.length / itemsMax));
  // A single page needs no cursor, and so no digest.
  const digest = pagesTotal === 1 ? '' : sha256Hex(`${key}:${all}`).slice(0, 32);
  const hints = `"ttlMs":${ttlMs},"cacheScope":"private","_meta":${JSON.stringify(meta)}`;
  const cursors = new Map<string, number>();
  for (let page = 1; page < pagesTotal; page += 1) cursors.set(cursorOf(digest, page), page);
  const pages: (ListPage | undefined)[] = [];

  function create(index: number): ListPage {
    const from = index * itemsMax;
    const nextCursor = index + 1 < pagesTotal ? cursorOf(digest, index + 1) : undefined;
    const items = entries.slice(from, from + itemsMax);
    const itemsText = pagesTotal === 1 ? all : texts.slice(from, from + itemsMax).join(',');
    const next = nextCursor === undefined ? '' : `"nextCursor":${JSON.stringify(nextCursor)},`;
    return {
      result: { [key]: items, ...(nextCursor === undefined ? {} : { nextCursor }) },
      text: `{"resultType":"complete","${key}":[${itemsText}],${next}${hints}}`,
    };
  }

  return {
    bytes: Buffer.byteLength(all),
    page(cursor) {
      const index = cursor === undefined ? 0 : cursors.get(cursor);
      if (index === undefined) return undefined;
      return (pages[index] ??= create(index));
    },
  };
}

function cursorOf(digest: string, page: number): string {
  return Buffer.from(`${digest}.${page}`).toString('base64url');
}
