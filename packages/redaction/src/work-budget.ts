/** Units of work that remain; counted, never timed, so that the same text always ends the same. */
export interface WorkBudget {
  /** Takes the units if they are left; a refused or failed taking exhausts the budget for good. */
  take(units: number): boolean;
  isExhausted(): boolean;
}

/** A budget of `unitsMax`; one unit is about one character looked at by one plain expression. */
export function createWorkBudget(unitsMax: number): WorkBudget {
  let left = unitsMax;

  function take(units: number): boolean {
    left = units <= left ? left - units : -1;
    return left >= 0;
  }

  return { take, isExhausted: () => left < 0 };
}
