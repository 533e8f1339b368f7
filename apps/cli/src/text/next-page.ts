/** Which page of a list. */
export interface PageFlags {
  readonly limit?: number;
  readonly page?: string;
}
/** Flags of a list as they were given, by their name on the command line; undefined for one that was not. */
export type ListFlagValues = Readonly<Record<string, string | number | true | undefined>>;

/** The command for the page after this one: the same list with the same flags. */
export function describeNextPage(command: string, given: ListFlagValues, token: string): string {
  const all = [...Object.entries(given), ['page', token] as const];
  const flags = all.flatMap(([name, value]) => {
    if (value === undefined) return [];
    return value === true ? [`--${name}`] : [`--${name} ${quote(String(value))}`];
  });
  return `next: \`model-host ${command} ${flags.join(' ')}\``;
}

function quote(value: string): string {
  return /^[\w.:@/=-]+$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
