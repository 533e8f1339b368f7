/** Taken before a simulation makes the global unusable. */
const immediate = setImmediate;

/** Resolves when everything that can go on without time or input has gone on. */
export async function turn(): Promise<void> {
  return new Promise((resolve) => {
    immediate(resolve);
  });
}

/** Turns until the condition holds; throws after `turnsMax`, so that a wait for what never comes is a failed test. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  turnsMax = 100_000,
): Promise<void> {
  for (let turns = 0; turns < turnsMax; turns += 1) {
    if (await condition()) return;
    await turn();
  }
  throw new Error(`never came: ${what}`);
}
