/** Finds every one of many literals in one pass, whatever their number. */
export interface KeywordAutomaton {
  /** Calls back for each place where a literal ends; `end` is the offset behind it. */
  scan(text: string, from: number, to: number, found: (keyword: number, end: number) => void): void;
  /** The state after one more UTF-16 unit; start with 0. For those who read unit by unit. */
  next(state: number, unit: number): number;
  /** The literals that end in this state, as indexes of the list given; empty for most states. */
  endingIn(state: number): readonly number[];
  /** For loops in which a call for each unit costs too much: the next state is `rows[state + (classes[unit] ?? 0)]`. */
  readonly classes: Uint16Array;
  readonly rows: Int32Array;
  /** States from this one on end a literal, the others do not. */
  readonly endingFrom: number;
}

interface Trie {
  readonly children: Map<number, number>[];
  readonly endings: number[][];
}

const none: readonly number[] = [];

/** Builds the automaton (Aho and Corasick's) of literals; capitals of ASCII match small letters. */
export function createKeywordAutomaton(keywords: readonly string[]): KeywordAutomaton {
  const { of: classes, count } = createClasses(keywords);
  const { rows, endings, endingFrom } = createTable(createTrie(keywords, classes), count);

  function endingIn(state: number): readonly number[] {
    return state < endingFrom ? none : (endings[(state - endingFrom) / count] ?? none);
  }

  function scan(
    text: string,
    from: number,
    to: number,
    found: (keyword: number, end: number) => void,
  ): void {
    let state = 0;
    for (let at = from; at < to; at += 1) {
      state = rows[state + (classes[text.charCodeAt(at)] ?? 0)] ?? 0;
      if (state >= endingFrom) {
        for (const keyword of endingIn(state)) {
          found(keyword, at + 1);
        }
      }
    }
  }

  return {
    scan,
    next: (state, unit) => rows[state + (classes[unit] ?? 0)] ?? 0,
    endingIn,
    classes,
    rows,
    endingFrom,
  };
}

/** Units that occur in no literal share class 0, which keeps the table small enough for the cache. */
function createClasses(keywords: readonly string[]): { of: Uint16Array; count: number } {
  const of = new Uint16Array(0x1_0000);
  let count = 1;
  for (const keyword of keywords) {
    for (let at = 0; at < keyword.length; at += 1) {
      const unit = lowerUnit(keyword.charCodeAt(at));
      if (of[unit] === 0) {
        of[unit] = count;
        count += 1;
      }
    }
  }
  for (let unit = 0x41; unit <= 0x5a; unit += 1) {
    of[unit] = of[unit + 0x20] ?? 0;
  }
  return { of, count };
}

function lowerUnit(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

function createTrie(keywords: readonly string[], classOf: Uint16Array): Trie {
  const children: Map<number, number>[] = [new Map<number, number>()];
  const endings: number[][] = [[]];
  keywords.forEach((keyword, index) => {
    let node = 0;
    for (let at = 0; at < keyword.length; at += 1) {
      const step = classOf[keyword.charCodeAt(at)] ?? 0;
      let child = children[node]?.get(step);
      if (child === undefined) {
        child = children.length;
        children[node]?.set(step, child);
        children.push(new Map<number, number>());
        endings.push([]);
      }
      node = child;
    }
    endings[node]?.push(index);
  });
  return { children, endings };
}

interface Table {
  /** Row after row, one for each state; a state is the place where its row begins. */
  readonly rows: Int32Array;
  /** What ends in the states from `endingFrom` on, in their order. */
  readonly endings: readonly (readonly number[])[];
  readonly endingFrom: number;
}

function createTable(trie: Trie, count: number): Table {
  const { order, targets } = link(trie, count);
  // States that end nothing come first, and near the root: one comparison tells them, and they share the cache.
  const isEnding = (node: number): boolean => (trie.endings[node]?.length ?? 0) > 0;
  const plain = order.filter((node) => !isEnding(node));
  const ending = order.filter(isEnding);
  const stateOf = new Int32Array(order.length);
  [...plain, ...ending].forEach((node, index) => {
    stateOf[node] = index * count;
  });
  const rows = new Int32Array(order.length * count);
  for (const node of order) {
    const state = stateOf[node] ?? 0;
    for (let step = 0; step < count; step += 1) {
      rows[state + step] = stateOf[targets[node * count + step] ?? 0] ?? 0;
    }
  }
  return {
    rows,
    endings: ending.map((node) => trie.endings[node] ?? none),
    endingFrom: plain.length * count,
  };
}

/** Where each node goes with each class of units, and the nodes in the order of their distance from the root. */
function link(trie: Trie, count: number): { order: readonly number[]; targets: Uint32Array } {
  const { children, endings } = trie;
  const targets = new Uint32Array(children.length * count);
  const failure = new Uint32Array(children.length);
  const order: number[] = [0];
  for (let head = 0; head < order.length; head += 1) {
    const node = order[head] ?? 0;
    const fallback = failure[node] ?? 0;
    for (let step = 0; step < count; step += 1) {
      const beyond = node === 0 ? 0 : (targets[fallback * count + step] ?? 0);
      const child = children[node]?.get(step);
      targets[node * count + step] = child ?? beyond;
      if (child !== undefined) {
        failure[child] = beyond;
        endings[child]?.push(...(endings[beyond] ?? none));
        order.push(child);
      }
    }
  }
  return { order, targets };
}
