/** Units of work that remain; counted, never timed, so that the same text always ends the same. */
export interface WorkBudget {
  /** Takes the units if they are left; a refused or failed taking exhausts the budget until more is earned. */
  take(units: number): boolean;
  isExhausted(): boolean;
  /** Adds what so many characters bring, up to what the budget began with. */
  earn(characters: number): void;
}

/** One unit is about ten nanoseconds of one core; so many a text may take from its beginning. */
const unitsBase = 200_000;
/** And so many more for each of its characters. */
const unitsPerCharacter = 18;

/** What a whole text of so many characters may take. */
export function unitsOf(characters: number): number {
  return unitsBase + unitsPerCharacter * characters;
}

/** A budget that begins with `units`; by default it is one to earn with. */
export function createWorkBudget(units: number = unitsBase): WorkBudget {
  let left = units;

  function take(taken: number): boolean {
    left = taken <= left ? left - taken : -1;
    return left >= 0;
  }

  function earn(characters: number): void {
    left = Math.min(Math.max(left, 0) + unitsPerCharacter * characters, units);
  }

  return { take, earn, isExhausted: () => left < 0 };
}
