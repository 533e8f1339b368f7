/** Finds every one of many literals in one pass, whatever their number. */
export interface KeywordAutomaton {
  /** Calls back for each place where a literal ends; `end` is the offset behind it. */
  scan(text: string, from: number, to: number, found: (keyword: number, end: number) => void): void;
  /** The state after one more UTF-16 unit; start with 0. For those who read unit by unit. */
  next(state: number, unit: number): number;
  /** The literals that end in this state, as indexes of the list given; empty for most states. */
  endingIn(state: number): readonly number[];
}

interface Trie {
  readonly children: Map<number, number>[];
  readonly endings: number[][];
}

const none: readonly number[] = [];

/** Builds the automaton (Aho and Corasick's) of literals; capitals of ASCII match small letters. */
export function createKeywordAutomaton(keywords: readonly string[]): KeywordAutomaton {
  const classes = createClasses(keywords);
  const trie = createTrie(keywords, classes.of);
  const { count } = classes;
  const table = createTable(trie, count);
  const endings = trie.endings.map((list) => (list.length === 0 ? none : list));
  const classOf = classes.of;

  function next(state: number, unit: number): number {
    return table[state * count + (classOf[unit] ?? 0)] ?? 0;
  }

  function scan(
    text: string,
    from: number,
    to: number,
    found: (keyword: number, end: number) => void,
  ): void {
    let state = 0;
    for (let at = from; at < to; at += 1) {
      state = next(state, text.charCodeAt(at));
      const ended = endings[state] ?? none;
      for (const keyword of ended) {
        found(keyword, at + 1);
      }
    }
  }

  return { scan, next, endingIn: (state) => endings[state] ?? none };
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

function createTable(trie: Trie, count: number): Uint32Array {
  const { children, endings } = trie;
  const table = new Uint32Array(children.length * count);
  const failure = new Uint32Array(children.length);
  const queue: number[] = [0];
  for (let head = 0; head < queue.length; head += 1) {
    const node = queue[head] ?? 0;
    const fallback = failure[node] ?? 0;
    for (let step = 0; step < count; step += 1) {
      const beyond = node === 0 ? 0 : (table[fallback * count + step] ?? 0);
      const child = children[node]?.get(step);
      table[node * count + step] = child ?? beyond;
      if (child !== undefined) {
        failure[child] = beyond;
        endings[child]?.push(...(endings[beyond] ?? none));
        queue.push(child);
      }
    }
  }
  return table;
}
