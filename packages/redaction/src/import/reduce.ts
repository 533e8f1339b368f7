import { visit } from './emit.ts';
import type { Node } from './expression.ts';

const spacesMax = 24;

/** The same language with less to try: what may be absent at the front is absent. */
export function reduce(root: Node): Node {
  return withoutFront(simplified(root));
}

/** «Any character or a line break» is one class and not a choice to come back to. */
function simplified(node: Node): Node {
  switch (node.type) {
    case 'choice': {
      const sources = node.items.map((item) => (item.type === 'class' ? item.source : ''));
      const others = sources.filter((source) => source !== '[^\\n]' && source !== '[^]');
      const isAny = others.length < sources.length && others.length === 1;
      if (isAny && /^\[(?:\\u000a|\\u000d){1,2}\]$/.test(others[0] ?? '')) {
        return { type: 'class', source: '[^]', ignoreCase: false };
      }
      return { ...node, items: node.items.map(simplified) };
    }
    case 'sequence':
      return { ...node, items: node.items.map(simplified) };
    case 'group':
      return { ...node, item: simplified(node.item) };
    case 'repeat':
      return { ...node, item: simplified(node.item), max: boundedMax(node) };
    case 'assertion':
    case 'character':
    case 'class':
      return node;
  }
}

/** White space without end between a name and its value is nobody's habit, and costs the most. */
function boundedMax({ item, min, max }: Node & { type: 'repeat' }): number {
  const isSpace =
    item.type === 'class' && /^(?:\\s|\[(?:\\s| |\\u00[0-9a-f]{2})+\])$/.test(item.source);
  return isSpace && max === Infinity ? Math.max(min, spacesMax) : max;
}

function withoutFront(node: Node): Node {
  if (node.type !== 'sequence') {
    return node;
  }
  const [first, ...rest] = node.items;
  if (first === undefined || rest.length === 0) {
    return node;
  }
  if (first.type === 'repeat' && first.min === 0 && !hasCapture(first)) {
    return withoutFront({ type: 'sequence', items: rest });
  }
  return node;
}

function hasCapture(node: Node): boolean {
  let found = false;
  visit(node, ({ type }) => {
    found ||= type === 'group';
  });
  return found;
}
