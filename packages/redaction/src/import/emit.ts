import { escaped, type Node } from './expression.ts';

/** An expression of JavaScript. Captures are numbered, never named. */
export interface Emitted {
  readonly source: string;
  readonly flags: '' | 'i';
  /** The number of the capture that upstream names as the secret; 0 if none is named. */
  readonly namedSecret: number;
}

const secretNames = /TOKEN|SECRET|PASSWORD|KEY/i;

/** Writes the tree as JavaScript; a case switch that holds everywhere becomes a flag. */
export function emit(root: Node): Emitted {
  const cases = new Set<boolean>();
  visit(root, (node) => {
    if (node.type === 'character' || node.type === 'class') {
      if (/[A-Za-z]/.test(node.type === 'character' ? node.character : bare(node.source))) {
        cases.add(node.ignoreCase);
      }
    }
  });
  const ignoresAll = cases.has(true) && !cases.has(false);
  let captures = 0;
  let namedSecret = 0;

  function write(node: Node): string {
    switch (node.type) {
      case 'character':
        return cased(escaped(node.character).replace(/^\\-$/, '-'), node.ignoreCase);
      case 'class':
        return cased(node.source, node.ignoreCase);
      case 'assertion':
        return node.source;
      case 'sequence':
        return writeSequence(node.items);
      case 'choice':
        return `(?:${node.items.map(write).join('|')})`;
      case 'group': {
        captures += 1;
        const number = captures;
        if (node.name !== null && namedSecret === 0 && secretNames.test(node.name)) {
          namedSecret = number;
        }
        return `(${write(node.item)})`;
      }
      case 'repeat':
        return `${atom(node.item)}${count(node.min, node.max)}${node.isLazy ? '?' : ''}`;
    }
  }

  function cased(source: string, ignoreCase: boolean): string {
    return ignoreCase && !ignoresAll && /[A-Za-z]/.test(bare(source)) ? `(?i:${source})` : source;
  }

  /** Neighbours of the same case share one case switch, which keeps the source readable. */
  function writeSequence(items: readonly Node[]): string {
    return items
      .map(write)
      .join('')
      .replaceAll(
        /(?:\(\?i:(?:\\.|[^()\\[\]]|\[(?:\\.|[^\]\\])*\])\)){2,}/g,
        (run) => `(?i:${run.replaceAll('(?i:', '').replaceAll(/(?<!\\)\)/g, '')})`,
      );
  }

  function atom(item: Node): string {
    const source = write(item);
    const isAtom = item.type === 'character' || item.type === 'class' || item.type === 'group';
    return isAtom || (item.type === 'choice' && source.startsWith('(?:'))
      ? source
      : `(?:${source})`;
  }

  // Five dashes in a row would read as the start of a key block to those who scan the data file.
  const source = write(root).replaceAll('-----', '-{5}');
  return { source, flags: ignoresAll ? 'i' : '', namedSecret };
}

function bare(source: string): string {
  return source.replaceAll(/\\(?:u[0-9a-f]{4}|.)/g, '');
}

function count(min: number, max: number): string {
  const sign = `${min},${max}`;
  const signs: Readonly<Record<string, string>> = {
    '0,1': '?',
    '0,Infinity': '*',
    '1,Infinity': '+',
  };
  return signs[sign] ?? (min === max ? `{${min}}` : `{${min},${max === Infinity ? '' : max}}`);
}

/** Calls back for the node and everything below it. */
export function visit(node: Node, each: (node: Node) => void): void {
  each(node);
  if (node.type === 'sequence' || node.type === 'choice') {
    node.items.forEach((item) => visit(item, each));
  }
  if (node.type === 'group' || node.type === 'repeat') {
    visit(node.item, each);
  }
}
