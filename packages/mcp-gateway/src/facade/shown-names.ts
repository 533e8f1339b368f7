import type { FacadeNaming } from './core-types.ts';

/** Something of a server that has a name in the view: a tool or a prompt. */
export interface NamedItem {
  /** Name at its server. */
  readonly bare: string;
  /** `alias__name`; no two items have the same. */
  readonly catalogueName: string;
}

const legalName = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Gives each item the name that the view shows, in the order of the items. No two get the same; with `none` the first of
 * two keeps it and the other is not shown. Going back is a look-up: names are never taken apart.
 */
export function showNames<T extends NamedItem>(
  items: readonly T[],
  naming: FacadeNaming,
): ReadonlyMap<string, T> {
  const shown = new Map<string, T>();
  const nameOf = namerOf(items, naming);
  for (const item of items) {
    const name = nameOf(item);
    if (!shown.has(name)) shown.set(name, item);
  }
  return shown;
}

function namerOf(items: readonly NamedItem[], naming: FacadeNaming): (item: NamedItem) => string {
  if (naming === 'prefix') return (item) => item.catalogueName;
  if (naming === 'none') return (item) => item.bare;
  const wish =
    naming === 'on-collision'
      ? (item: NamedItem): string => (legalName.test(item.bare) ? item.bare : item.catalogueName)
      : (item: NamedItem): string =>
          Object.hasOwn(naming.map, item.catalogueName)
            ? (naming.map[item.catalogueName] ?? item.catalogueName)
            : item.catalogueName;
  // Catalogue names are unique, so whoever cannot have its wish takes that one: nobody else is given it.
  const taken = new Set(items.map((item) => item.catalogueName));
  const wishes = new Map<string, number>();
  for (const item of items) wishes.set(wish(item), (wishes.get(wish(item)) ?? 0) + 1);
  return (item) => {
    const name = wish(item);
    return wishes.get(name) === 1 && !taken.has(name) ? name : item.catalogueName;
  };
}
