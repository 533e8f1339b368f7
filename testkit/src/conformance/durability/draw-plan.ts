import type { Random } from '../../simulation/random.ts';
import type { Action } from './plan.ts';

/** A random program of a few actions, some of them side by side. */
export function drawPlan(random: Random): readonly Action[] {
  let names = 0;
  const name = (kind: string): string => {
    names += 1;
    return `${kind}-${names}`;
  };
  return drawActions(random, name, 2);
}

const types = ['step', 'step', 'step', 'step', 'all', 'now', 'tell', 'sleep', 'wait'] as const;

function drawActions(
  random: Random,
  name: (kind: string) => string,
  depth: number,
): readonly Action[] {
  return Array.from({ length: random.int(1, depth > 1 ? 6 : 3) }, () =>
    drawAction(random, name, depth),
  );
}

function drawAction(random: Random, name: (kind: string) => string, depth: number): Action {
  const type = random.pick(types);
  switch (type) {
    case 'step':
      return {
        type,
        name: name('step'),
        isOnce: random.chance(0.3),
        texts: random.int(0, 3),
        pauseMs: random.pick([0, 0, 5, 40]),
        isFailing: random.chance(0.2),
      };
    case 'all': {
      if (depth === 0) return { type: 'tell', text: name('told') };
      const branches = Array.from({ length: random.int(1, 4) }, () =>
        drawActions(random, name, depth - 1),
      );
      return { type, branches };
    }
    case 'now':
      return { type, name: name('now') };
    case 'tell':
      return { type, text: name('told') };
    case 'sleep':
      return { type, name: name('sleep'), forMs: random.pick([0, 10, 300]) };
    case 'wait':
      return {
        type,
        name: name('wait'),
        timeoutMs: random.pick([0, 60, 2_000]),
        answerAfterMs: random.pick([null, 0, 50]),
      };
  }
}
