import { beginningOf, digit, letter, other, separators } from './beginnings.ts';

/*
 * What a text looks like where a form is tried: the first character, how long a run of digits or letters it begins, what stands
 * behind the run, and how long the next run is. Few forms can begin with any one of these shapes, so most are never tried.
 */

const runMax = 20;
const secondRunMax = 9;
/** Beyond this size of the first run the second one is not asked for. */
const firstRunMax = 6;
const none = 0;
const symbols = ['', digit, letter];
const kinds = createTable(kindOf);
/** 0 for a digit or a letter, 1 for what separates nothing, and more for a separator. */
const separatorOf = createTable((character) =>
  kindOf(character) === none ? separators.indexOf(character) + 2 : 0,
);
const separatorCount = separators.length + 2;
const heads = 3 * (runMax + 1) * separatorCount;
const bits = 32;
const noForms: readonly number[] = [];

/** Some of the forms, one bit for each. */
export type FormSet = Int32Array;

/** Forms by what they can begin with. */
export interface Shapes {
  /** The indexes of the forms among these that may match here; some of them will not. */
  at(text: string, at: number, among: FormSet): readonly number[];
  /** The forms for whose indexes it holds. */
  select(isIn: (form: number) => boolean): FormSet;
}

/** Works out once which forms can begin with which shape. */
export function createShapes(forms: readonly RegExp[]): Shapes {
  const beginnings = forms.map(beginningOf);
  const width = Math.ceil(forms.length / bits);
  const byFirst = createMasks(0x80, (unit) => String.fromCharCode(unit));
  const byHead = createMasks(heads, headText);
  const byTail = createMasks((firstRunMax + 1) * separatorCount * (secondRunMax + 1), tailText);

  // Most words are left here.
  const isAny = Array.from({ length: heads }, (_, head) =>
    byHead.subarray(head * width, (head + 1) * width).some((mask) => mask !== 0),
  );

  /** For each sample the forms that may begin with it, as bits. */
  function createMasks(count: number, sampleOf: (index: number) => string): Int32Array {
    const masks = new Int32Array(count * width);
    for (let index = 0; index < count; index += 1) {
      const sample = sampleOf(index);
      beginnings.forEach((beginning, form) => {
        const place = index * width + Math.floor(form / bits);
        if (beginning.test(sample)) masks[place] = (masks[place] ?? 0) | (1 << (form % bits));
      });
    }
    return masks;
  }

  function formsAt(text: string, at: number, among: FormSet): readonly number[] {
    const first = text.charCodeAt(at);
    const kind = kindAt(text, at);
    if (kind === none) return collect(among, first, none, -1);
    const next = runEnd(text, at, runMax);
    const size = next - at;
    const gap = separatorAt(text, next);
    const hasTail = kind === 1 && size <= firstRunMax;
    const head = (kind * (runMax + 1) + size) * separatorCount + gap;
    if (!isAny[head]) return noForms;
    return collect(among, first, head, hasTail ? tailAt(text, next, size, gap) : -1);
  }

  /** Those among the forms that all three allow; no head and a tail below zero say nothing. */
  function collect(among: FormSet, first: number, head: number, tail: number): readonly number[] {
    let list: number[] | undefined;
    for (let word = 0; word < width; word += 1) {
      let mask = (among[word] ?? 0) & (byFirst[first * width + word] ?? 0);
      if (head > none) mask &= byHead[head * width + word] ?? 0;
      if (tail >= 0) mask &= byTail[tail * width + word] ?? 0;
      if (mask !== 0) list = addBits(mask, word * bits, list ?? []);
    }
    return list ?? noForms;
  }

  function select(isIn: (form: number) => boolean): FormSet {
    const set = new Int32Array(width);
    for (const form of forms.keys()) {
      const word = Math.floor(form / bits);
      if (isIn(form)) set[word] = (set[word] ?? 0) | (1 << (form % bits));
    }
    return set;
  }

  return { at: formsAt, select };
}

function addBits(mask: number, from: number, list: number[]): number[] {
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    list.push(from + 31 - Math.clz32(rest & -rest));
  }
  return list;
}

/** Which tail stands behind the first run; -1 if it is none of digits. */
function tailAt(text: string, next: number, size: number, gap: number): number {
  if (gap <= 1) return -1;
  const second = kindAt(text, next + 1) === 1 ? runEnd(text, next + 1, secondRunMax) - next - 1 : 0;
  return (size * separatorCount + gap) * (secondRunMax + 1) + second;
}

function headText(head: number): string {
  const gap = head % separatorCount;
  const run = Math.floor(head / separatorCount);
  const size = run % (runMax + 1);
  const kind = Math.floor(run / (runMax + 1));
  // A run that is cut off may go on.
  return `${symbols[kind]?.repeat(size)}${size < runMax ? gapText(gap, kind) : ''}`;
}

function tailText(tail: number): string {
  const second = tail % (secondRunMax + 1);
  const head = Math.floor(tail / (secondRunMax + 1));
  const size = Math.floor(head / separatorCount);
  return `${digit.repeat(size)}${gapText(head % separatorCount, 1)}${digit.repeat(second)}`;
}

/** Right behind a run of digits come letters, and the other way round. */
function gapText(gap: number, kind: number): string {
  if (gap === 0) return symbols[3 - kind] ?? '';
  return gap === 1 ? other : separators.charAt(gap - 2);
}

function kindAt(text: string, at: number): number {
  return at < text.length ? (kinds[text.charCodeAt(at)] ?? none) : none;
}

function runEnd(text: string, from: number, most: number): number {
  const kind = kinds[text.charCodeAt(from)];
  const last = Math.min(text.length, from + most);
  let end = from + 1;
  while (end < last && kinds[text.charCodeAt(end)] === kind) end += 1;
  return end;
}

function separatorAt(text: string, at: number): number {
  return at < text.length ? (separatorOf[text.charCodeAt(at)] ?? 1) : 1;
}

function createTable(valueOf: (character: string) => number): Uint8Array {
  // Of all units, so that nothing is looked up beside it. Those beyond ASCII are alike, and take longest to be asked one by one.
  const table = new Uint8Array(0x1_0000).fill(valueOf('\u0080'));
  for (let unit = 0; unit < 0x80; unit += 1) table[unit] = valueOf(String.fromCharCode(unit));
  return table;
}

function kindOf(character: string): number {
  return /[0-9]/.test(character) ? 1 : /[A-Za-z]/.test(character) ? 2 : none;
}
