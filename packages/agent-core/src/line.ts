/** A place in a line. */
export interface Place {
  /** Resolves when everybody before has passed; undefined when nobody is there. */
  readonly turn: Promise<void> | undefined;
  /** Lets the next one go on; more than once does nothing. */
  pass(): void;
}

/** Those who have to go one after the other. */
export interface Line {
  /** Takes the last place, at once. Whoever takes one must pass, whatever happens. */
  enter(): Place;
  /** Whether everybody has passed. */
  isEmpty(): boolean;
}

/** Starts with nobody. */
export function createLine(): Line {
  let last: Promise<void> = Promise.resolve();
  let inside = 0;

  function enter(): Place {
    const turn = inside === 0 ? undefined : last;
    const { promise, resolve } = Promise.withResolvers<void>();
    let hasPassed = false;
    inside += 1;
    // Who passes early, without waiting for its turn, lets nobody past those before it.
    last = turn === undefined ? promise : turn.then(async () => promise);
    return {
      turn,
      pass: () => {
        if (hasPassed) return;
        hasPassed = true;
        inside -= 1;
        resolve();
      },
    };
  }

  return { enter, isEmpty: () => inside === 0 };
}
