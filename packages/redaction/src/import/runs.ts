import type { Node } from './expression.ts';

/** What is known of the rows of units without white space in a match. */
interface Runs {
  /** No match has white space in it. */
  readonly isSolid: boolean;
  /** No match is shorter. */
  readonly min: number;
  /** Every match holds a row that is at least as long. */
  readonly longest: number;
}

const spaces = '\t\n\v\f\r \u00a0\u1680\u2000\u2028\u2029\u202f\u205f\u3000\ufeff'.split('');

/** So many units in a row that are no white space stand in every match. */
export function runMinOf(root: Node): number {
  return runsOf(root).longest;
}

function runsOf(node: Node): Runs {
  switch (node.type) {
    case 'assertion':
      return { isSolid: true, min: 0, longest: 0 };
    case 'character':
      return unit(!spaces.includes(node.character));
    case 'class': {
      const expression = new RegExp(`^${node.source}$`, 's');
      return unit(!spaces.some((space) => expression.test(space)));
    }
    case 'group':
      return runsOf(node.item);
    case 'choice':
      return choiceRuns(node.items.map(runsOf));
    case 'repeat': {
      const { isSolid, min, longest } = runsOf(node.item);
      const all = min * node.min;
      return { isSolid, min: all, longest: isSolid ? all : node.min > 0 ? longest : 0 };
    }
    case 'sequence':
      return sequenceRuns(node.items.map(runsOf));
  }
}

function unit(isSolid: boolean): Runs {
  return { isSolid, min: 1, longest: isSolid ? 1 : 0 };
}

function choiceRuns(items: readonly Runs[]): Runs {
  return {
    isSolid: items.every(({ isSolid }) => isSolid),
    min: Math.min(...items.map(({ min }) => min)),
    longest: Math.min(...items.map(({ longest }) => longest)),
  };
}

function sequenceRuns(items: readonly Runs[]): Runs {
  let row = 0;
  let longest = 0;
  for (const item of items) {
    row = item.isSolid ? row + item.min : 0;
    longest = Math.max(longest, row, item.longest);
  }
  return {
    isSolid: items.every(({ isSolid }) => isSolid),
    min: items.reduce((sum, { min }) => sum + min, 0),
    longest,
  };
}
