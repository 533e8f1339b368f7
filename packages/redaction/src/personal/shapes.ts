/*
 * What a text looks like where a form is tried: a run of digits or letters, what stands behind it, and the next run. Few forms can
 * begin with any one of these shapes, so most are never tried.
 */

/** Stand for any digit, any letter of ASCII, and any sign that is no separator. */
const digit = '\u0002';
const letter = '\u0003';
const other = '\u0001';
const separators = ' -./:()+';
const runMax = 20;
const secondRunMax = 9;
const separatorCount = separators.length + 2;
const none = 0;
const symbols = ['', digit, letter];
const kinds = createTable(kindOf);
const separatorOf = createTable((character) =>
  kindOf(character) === none ? separators.indexOf(character) + 2 : 0,
);

/** The number of the shape that begins at a place; equal shapes have equal numbers. */
export function shapeAt(text: string, at: number): number {
  const sign = separatorAt(text, at);
  const start = sign > 1 ? at + 1 : at;
  const first = kindAt(text, start);
  const next = first === none ? start : runEnd(text, start, runMax);
  const gap = separatorAt(text, next);
  const behind = gap > 1 ? next + 1 : next;
  // Behind a sign that is no separator nothing of a form goes on that a shape could tell.
  const second = gap === 1 ? none : kindAt(text, behind);
  const secondSize = second === none ? 0 : runEnd(text, behind, secondRunMax) - behind;
  const head = ((sign * 3 + first) * (runMax + 1) + next - start) * separatorCount + gap;
  return (head * 3 + second) * (secondRunMax + 1) + secondSize;
}

/** A text that stands for all texts of the shape. */
function sampleOf(shape: number): string {
  const secondSize = shape % (secondRunMax + 1);
  let rest = Math.floor(shape / (secondRunMax + 1));
  const second = rest % 3;
  rest = Math.floor(rest / 3);
  const gap = rest % separatorCount;
  rest = Math.floor(rest / separatorCount);
  const size = rest % (runMax + 1);
  rest = Math.floor(rest / (runMax + 1));
  return [
    separatorText(Math.floor(rest / 3)),
    symbols[rest % 3]?.repeat(size),
    // A run that is cut off may go on.
    size < runMax ? separatorText(gap) : '',
    size < runMax ? symbols[second]?.repeat(secondSize) : '',
  ].join('');
}

/** Makes a list of forms by shape; what a shape has is worked out when it is first seen. */
export function createShapes<Form extends { readonly form: RegExp }>(
  forms: readonly Form[],
): (shape: number) => readonly Form[] {
  const beginnings = forms.map((form) => ({ form, beginning: beginningOf(form.form) }));
  const known = new Map<number, readonly Form[]>();
  return (shape) => {
    const list = known.get(shape);
    if (list !== undefined) return list;
    const sample = sampleOf(shape);
    const made = beginnings
      .filter(({ beginning }) => beginning.test(sample))
      .map(({ form }) => form);
    known.set(shape, made);
    return made;
  };
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

/** 0 for a digit or a letter, 1 for what separates nothing (the end as well), and more for a separator. */
function separatorAt(text: string, at: number): number {
  return at < text.length ? (separatorOf[text.charCodeAt(at)] ?? 1) : 1;
}

function separatorText(separator: number): string {
  return separator === 0 ? '' : separator === 1 ? other : separators.charAt(separator - 2);
}

function createTable(valueOf: (character: string) => number): Uint8Array {
  // Of all units, so that nothing is looked up beside it.
  return Uint8Array.from({ length: 0x1_0000 }, (_, unit) => valueOf(String.fromCharCode(unit)));
}

function kindOf(character: string): number {
  return /[0-9]/.test(character) ? 1 : /[A-Za-z]/.test(character) ? 2 : none;
}

const part =
  /\(\?<?[=!]|\(\?:|\(|\)|\||(\\[1-9])|([?*+]\??|\{\d+(?:,\d*)?\}\??)|(\[(?:\\[^]|[^\]\\])*\]|\\[^]|[^])/g;

/** Matches what may be the beginning of a match: every part may also be the end of the text. What is around a match is passed over. */
function beginningOf(form: RegExp): RegExp {
  const flags = form.flags.replace('y', '');
  let beginning = '';
  let depthOutside = 0;
  for (const [text, reference, times, atom] of form.source.matchAll(part)) {
    if (depthOutside > 0) {
      depthOutside += text.startsWith('(') ? 1 : text === ')' ? -1 : 0;
    } else if (/^\(\?<?[=!]/.test(text)) {
      depthOutside = 1;
    } else if (reference !== undefined) {
      beginning += '(?:[^]?|$)';
    } else if (times !== undefined || atom === undefined) {
      beginning += text;
    } else {
      beginning += `(?:${text}|${symbolsOf(new RegExp(`^${text}$`, flags))}|$)`;
    }
  }
  return new RegExp(`^(?:${beginning})`, flags);
}

const everyUnit = Array.from({ length: 0x80 }, (_, unit) => String.fromCharCode(unit));

/** A class of the symbols that stand for something that the atom takes. */
function symbolsOf(atom: RegExp): string {
  const taken = [...everyUnit, 'é', '\u2013'].filter((character) => atom.test(character));
  const hasOther = taken.some(
    (character) => !/[0-9A-Za-z]/.test(character) && !separators.includes(character),
  );
  const list = [
    taken.some((character) => /\d/.test(character)) ? digit : '',
    taken.some((character) => /[A-Za-z]/.test(character)) ? letter : '',
    hasOther ? other : '',
  ].join('');
  return list === '' ? '(?!)' : `[${list}]`;
}
