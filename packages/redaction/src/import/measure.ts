import type { Node } from './expression.ts';
import { visit } from './emit.ts';

/** The worst seen when a rule is tried at one keyword. */
export interface Cost {
  /** In units of ten nanoseconds, rounded up to a power of two. */
  readonly units: number;
  readonly growth: 'linear' | 'super-linear';
}

export interface Measured {
  readonly expression: RegExp;
  readonly root: Node;
  readonly keywords: readonly string[];
  readonly beforeMax: number;
  readonly lengthMax: number;
}

const pumps = ['a', '0', ' ', '-', 'A', '=', '.', '"', '\n'];
const textsMax = 40;

/** Tries the expression on pumped strings that grow until it takes long; stops within about a sixth of a second. */
export function measure(rule: Measured): Cost {
  const sizeMax = Math.min(rule.lengthMax, 4_096) + rule.beforeMax;
  const startedMs = performance.now();
  let worstMs = 0;
  let growth: Cost['growth'] = 'linear';
  let before = textsOf(rule, 32).map(() => 0);
  for (let size = Math.min(64, sizeMax); ; size = Math.min(size * 4, sizeMax)) {
    const spent = textsOf(rule, size).map((text) => bestOf(rule.expression, text, rule.beforeMax));
    const index = spent.indexOf(Math.max(...spent));
    worstMs = Math.max(worstMs, spent[index] ?? 0);
    const isGrown =
      worstMs > 0.02 && (before[index] ?? 0) > 0 && worstMs > 8 * (before[index] ?? 0);
    growth = isGrown ? 'super-linear' : growth;
    before = spent;
    if (size >= sizeMax || worstMs > 5 || performance.now() - startedMs > 120) {
      break;
    }
  }
  return { units: 2 ** Math.ceil(Math.log2(Math.max(worstMs * 100_000, 8))), growth };
}

function bestOf(expression: RegExp, text: string, beforeMax: number): number {
  let best = Infinity;
  for (let round = 0; round < 6 && (round < 3 || best < 4); round += 1) {
    const startedMs = performance.now();
    for (let start = 0; start <= Math.min(beforeMax, 3); start += 1) {
      expression.lastIndex = start;
      expression.exec(text);
    }
    best = Math.min(best, performance.now() - startedMs);
  }
  return best;
}

function textsOf(rule: Measured, size: number): string[] {
  const texts: string[] = [];
  const cut = (text: string): string => text.slice(0, size);
  for (const keyword of rule.keywords.slice(0, 3)) {
    for (const pump of [
      'a',
      ' ',
      '0aB',
      'a-',
      'a.',
      `${keyword} `,
      `${keyword}= `,
      `${keyword}==`,
      '="',
      '\n',
    ]) {
      texts.push(cut(keyword + pump.repeat(Math.ceil(size / pump.length))));
    }
  }
  // Each begins a match that goes on over all the others.
  const words = wordsOf(rule.root).join('');
  texts.push(cut(words.repeat(Math.ceil(size / Math.max(words.length, 1)))));
  visit(rule.root, (target) => {
    if (target.type === 'repeat' && target.max > 8) {
      for (const pump of pumps) {
        if (accepts(target.item, pump) && texts.length < textsMax) {
          const text = sample(rule.root, {
            target,
            filling: pump.repeat(Math.min(target.max, size)),
          });
          texts.push(cut(text.slice(0, -1)), cut(`${text}\u0001`));
        }
      }
    }
  });
  return texts;
}

/** What the expression has of letters that stand for themselves, in its order. */
function wordsOf(root: Node): readonly string[] {
  const words: string[] = [];
  visit(root, (node) => {
    if (node.type !== 'sequence') return;
    const characters = node.items.map((item) => (item.type === 'character' ? item.character : ' '));
    words.push(...(characters.join('').match(/\w{2,}/g) ?? []));
  });
  return words;
}

function accepts(node: Node, character: string): boolean {
  switch (node.type) {
    case 'class':
      return new RegExp(`^${node.source}$`, 'i').test(character);
    case 'group':
      return accepts(node.item, character);
    case 'choice':
      return node.items.some((item) => accepts(item, character));
    case 'assertion':
    case 'character':
    case 'repeat':
    case 'sequence':
      return false;
  }
}

/** A shortest match, in which one repeat is filled up. */
function sample(node: Node, pumped: { target: Node; filling: string }): string {
  switch (node.type) {
    case 'assertion':
      return '';
    case 'character':
      return node.character;
    case 'class':
      return pumps.find((pump) => accepts(node, pump)) ?? '_';
    case 'group':
      return sample(node.item, pumped);
    case 'choice': {
      let holder = node.items[0];
      for (const item of node.items) {
        visit(item, (inner) => {
          holder = inner === pumped.target ? item : holder;
        });
      }
      return holder === undefined ? '' : sample(holder, pumped);
    }
    case 'repeat':
      return node === pumped.target
        ? pumped.filling
        : sample(node.item, pumped).repeat(Math.max(node.min, holds(node, pumped.target) ? 1 : 0));
    case 'sequence':
      return node.items.map((item) => sample(item, pumped)).join('');
  }
}

function holds(node: Node, target: Node): boolean {
  let found = false;
  visit(node, (inner) => {
    found ||= inner === target;
  });
  return found;
}
