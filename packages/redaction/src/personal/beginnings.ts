/** Stand for any digit, any letter of ASCII, and any sign that is no separator. */
export const digit = '\u0002';
export const letter = '\u0003';
export const other = '\u0001';
/** What stands between the parts of a value. */
export const separators = ' -./:()+';

const part =
  /\(\?<?[=!]|\(\?:|\(|\)|\||(\\[1-9])|([?*+]\??|\{\d+(?:,\d*)?\}\??)|(\[(?:\\[^]|[^\]\\])*\]|\\[^]|[^])/g;

/** Matches what may be the beginning of a match: every part may also be the end of the text. What is around a match is passed over. */
export function beginningOf(form: RegExp): RegExp {
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
