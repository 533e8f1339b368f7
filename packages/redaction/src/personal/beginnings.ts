/** Stand for any digit, any letter of ASCII, and any sign that is no separator. */
export const digit = '\u0002';
export const letter = '\u0003';
export const other = '\u0001';
/** What stands between the parts of a value. */
export const separators = ' -./:()+';

const part =
  /\(\?<?[=!]|\(\?:|\(|\)|\||(\\[1-9])|([?*+]\??|\{\d+(?:,\d*)?\}\??)|(\[(?:\\[^]|[^\]\\])*\]|\\[^]|[^])/g;

/**
 * Matches what may be the beginning of a match: every part may also be the end of the text. Of what is around a match only what may
 * not stand there is asked for, if a symbol can say so.
 */
export function beginningOf(form: RegExp): RegExp {
  const flags = form.flags.replace('y', '');
  let beginning = '';
  let depthOutside = 0;
  let depthRefused = 0;
  for (const [text, reference, times, atom] of form.source.matchAll(part)) {
    const depth = text.startsWith('(') ? 1 : text === ')' ? -1 : 0;
    if (depthOutside > 0) {
      depthOutside += depth;
    } else if (depthRefused > 0) {
      depthRefused += depth;
      beginning += atom === undefined ? text : surely(new RegExp(`^${text}$`, flags));
    } else if (text === '(?!') {
      depthRefused = 1;
      beginning += text;
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

/** A class of what the atom takes whatever it stands for. */
function surely(atom: RegExp): string {
  const taken = everyUnit.filter((character) => /[ -~]/.test(character) && atom.test(character));
  const isAll = (group: RegExp): boolean =>
    everyUnit.every((character) => !group.test(character) || taken.includes(character));
  const symbols = `${isAll(/\d/) ? digit : ''}${isAll(/[A-Za-z]/) ? letter : ''}`;
  const list = taken.map((character) => character.replace(/[^0-9A-Za-z]/, '\\$&')).join('');
  return list === '' ? '(?!)' : `[${list}${symbols}]`;
}
