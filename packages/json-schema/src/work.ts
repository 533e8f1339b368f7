/** The work that one check may do, counted, so that no schema can keep the process busy. */
export interface Work {
  /** Throws {@link WorkExceeded} when the budget of this check is used up. */
  spend(units: number): void;
  /** Starts a new check with a full budget. */
  reset(): void;
}

/** Thrown within a check and caught by it; nobody else sees it. */
export class WorkExceeded extends Error {
  override readonly name = 'WorkExceeded';
}

/** A budget of `unitsMax` per check. One unit is about the matching of one character. */
export function createWork(unitsMax: number): Work {
  let unitsLeft = unitsMax;
  return {
    spend: (units) => {
      unitsLeft -= units;
      if (unitsLeft < 0) throw new WorkExceeded();
    },
    reset: () => {
      unitsLeft = unitsMax;
    },
  };
}
