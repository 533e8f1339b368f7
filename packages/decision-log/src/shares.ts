/** How many rows each tenant has. */
export interface Shares {
  /** Counts what is there, unless it is known. */
  count(): void;
  /** Negative for those that go. What was there has to be counted before. */
  add(tenant: string, rows: number): void;
  total(): number;
  of(tenant: string): number;
  /** Who has most, and how many more than the next. Of nobody when there are none. */
  largest(): { readonly tenant: string; readonly lead: number };
  /** Has them counted again before they are needed: what was added may not have come to stay. */
  forget(): void;
}

/** Counts when it has to, and adds up from then on. */
export function createShares(countAll: () => readonly Readonly<Record<string, unknown>>[]): Shares {
  let known: { readonly rows: Map<string, number>; total: number } | undefined;

  function counted(): NonNullable<typeof known> {
    if (known !== undefined) return known;
    const rows = new Map(countAll().map(({ tenant, number }) => [String(tenant), Number(number)]));
    const total = [...rows.values()].reduce((sum, each) => sum + each, 0);
    known = { rows, total };
    return known;
  }

  return {
    count: () => void counted(),
    add: (tenant, rows) => {
      const shares = counted();
      const left = (shares.rows.get(tenant) ?? 0) + rows;
      shares.total += rows;
      if (left > 0) shares.rows.set(tenant, left);
      else shares.rows.delete(tenant);
    },
    total: () => counted().total,
    of: (tenant) => counted().rows.get(tenant) ?? 0,
    largest: () => {
      let [tenant, most, next] = ['', 0, 0];
      for (const [name, rows] of counted().rows) {
        if (rows > most) [tenant, most, next] = [name, rows, most];
        else if (rows > next) next = rows;
      }
      return { tenant, lead: most - next };
    },
    forget: () => {
      known = undefined;
    },
  };
}
