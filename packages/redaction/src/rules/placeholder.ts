/*
 * What stands where a secret would stand, and is none: the ways in which people write examples,
 * templates and references. Forms only; no value is listed.
 */

const templates = [
  /^\$\{[^}]*\}?$/, // ${NAME}
  /^\$[A-Za-z_][\w.]*$/, // $NAME
  /^\$\d+$/,
  /^\$\([^)]*\)?$/, // $(command)
  /^\{\{.*\}?\}?$/s, // {{ name }}
  /^\$\{\{.*$/s,
  /^<[^<>]{1,80}>?$/, // <name>
  /^\[[^\]]{1,80}\]$/,
  /^%[A-Za-z_]+%$/,
  /^%[-+# 0]?[a-zA-Z]$/,
  /^\{[\w.]{0,40}\}$/,
  /^@[A-Za-z_]+@$/,
  /^#\{[^}]*\}?$/,
  /^(?:process\.env|os\.environ|System\.getenv|ENV|env|var|vars|secrets|config|self|this)[.[(]/,
];

const exampleWord =
  /example|sample|placeholder|dummy|changeme|change_me|change-me|redacted|your[-_]?(?:api|access|secret|token|key|password|auth|client)|insert[-_]|replace[-_]?(?:me|with)|lorem|not[-_]?(?:a[-_]?)?real|fake[-_]?|my[-_](?:secret|token|key|password|api)/i;

const masked = /x{6,}|\*{4,}|\.{4,}|•{3,}|0{12,}|_{6,}|#{5,}/i;

/** Is the captured text written as a template, a reference or a marked example, and so no secret? */
export function isPlaceholder(secret: string): boolean {
  return (
    secret.length <= 512 &&
    (templates.some((template) => template.test(secret)) ||
      /EXAMPLE(?:KEY)?$|^(?:some|your)[-_]/.test(secret) ||
      isBlankedOut(secret) ||
      isPrefixedWord(secret) ||
      isPairOfTemplates(secret))
  );
}

/** Most of it is one sign that people write for «something». */
function isBlankedOut(secret: string): boolean {
  const blanks = /([xX*#.0-9])\1{5,}/g;
  let blank = 0;
  for (const [run] of secret.matchAll(blanks)) {
    blank += run.length;
  }
  return blank >= secret.length * 0.5;
}

/** A short prefix and then letters alone that read as words: the name of something in code. */
function isPrefixedWord(secret: string): boolean {
  const word = /^[A-Za-z]{1,3}[._]([A-Za-z]{12,})$/.exec(secret)?.[1];
  return word !== undefined && isMadeOfWords(word, 4.5);
}

/**
 * Does the value only look like one because some name stands before it? Asked for rules that know
 * no vendor's form: words, names and counting are no secrets there.
 */
export function isOrdinaryValue(value: string): boolean {
  return (
    value.length <= 512 &&
    (exampleWord.test(value) ||
      masked.test(value) ||
      hasLongRun(value) ||
      isCode(value) ||
      /\d\.\d{1,4}\.\d/.test(value) ||
      isMadeOfWords(value, 2.4))
  );
}

/** Is it a part of a program that stands behind a name: variables, calls, the rest of a list? */
export function isCode(value: string): boolean {
  return (
    /^["'],|^["']?\$|^https?:|#\{|\w\(\)|^@?localhost/i.test(value) ||
    /[a-z](?:Password|User[Nn]ame)$/.test(value)
  );
}

/** What is known of a name and the way in which a value is assigned to it. */
export interface Assigned {
  readonly isPassword: boolean;
  /** The value is meant as it stands there, as in an environment: a word is one, and no name of something else. */
  readonly isWordTaken: boolean;
}

const literals =
  /^(?:true|false|null|nil|none|undefined|unset|empty|yes|no|on|off|enabled|disabled|required|optional|string|number|boolean|object|any|unknown|never|void|int|bytes|default|auto|n\/a|test|todo)$/i;

/**
 * Is the value behind the name of a secret plainly none: a template, an example, a literal, a small number, code, or, where
 * words are names of something else, made of words?
 */
export function isNoSecret(value: string, { isPassword, isWordTaken }: Assigned): boolean {
  const looked = value.slice(0, judgedMax);
  return (
    isPlaceholder(looked) ||
    literals.test(looked) ||
    (isPassword ? /^\d{1,4}$/ : /^[\d._,-]+[a-z%]{0,3}$/i).test(looked) ||
    exampleWord.test(looked) ||
    masked.test(looked) ||
    (isPassword ? isMostlyRun(looked) : isCounting(looked)) ||
    isProgram(looked) ||
    (!isWordTaken && isReadable(looked))
  );
}

/** More of a value says nothing else about it. */
const judgedMax = 128;

/** Characters in their order, or a group said over and over: nobody is given such a token. */
function isCounting(value: string): boolean {
  return (
    longestRun(value) >= 6 ||
    longestRun(value.toLowerCase().replaceAll(/[^a-z]/g, '')) >= 6 ||
    longestRun(value.replaceAll(/\D/g, '')) >= 6 ||
    /(\w{3,20})(?:[-_.]?\1){2}/.test(value)
  );
}

function isMostlyRun(value: string): boolean {
  return longestRun(value.toLowerCase()) >= Math.max(4, value.length * 0.6);
}

/** A call, a path, an index, a reference or an operation of a program or a shell. */
function isProgram(value: string): boolean {
  return (
    /^[\w.!?$]*[([{]|^\$[A-Z][A-Z\d]*_[A-Z\d_]*(?!\w)|^[@&*!]?[a-z_]\w*(?:\??\.[A-Za-z_]\w*)+$|^(?:https?|file|env|vault|op|secret):|^\.{0,2}\/|^~\/|^[|&=<>+*\\/-]/.test(
      value,
    ) && !/^[([{|&=<>+*-][^()[\]{}<>|]*\d/.test(value)
  );
}

/** Pieces between marks and humps that a tongue can follow, with a short number at the end of each at most. */
function isReadable(value: string): boolean {
  const parts = value.split(/[^A-Za-z0-9\u0080-\uffff]+/).filter((part) => part !== '');
  const marks = value.length - parts.join('').length;
  if (parts.length === 0 || marks > parts.length + 2) return parts.length === 0;
  const pieces = parts.flatMap((part) =>
    /^(?:[A-Za-z\u0080-\uffff]+\d{0,2}|\d{1,4})$/.test(part)
      ? (part.match(/[A-Z]?[a-z\u0080-\uffff]+|[A-Z]+(?![a-z])/g) ?? [])
      : ['#'],
  );
  const average = pieces.join('').length / Math.max(pieces.length, 1);
  // Words between marks may be short ones; humps are where a random value has its capitals.
  const averageMin = pieces.length > parts.length ? 3.4 : 2.6;
  return !pieces.includes('#') && average >= averageMin && pieces.every(isWordLike);
}

/** Names of which the value is public: identifiers, versions, places, measures. */
const publicName =
  /(?:(?:^|[^a-z])(?:ids?|uuid|guid)|(?:[a-z_-]I[dD]s?)|names?|versions?|ur[li]s?|paths?|files?|size|length|types?|count|index|hosts?|domains?|algorithms?|formats?|accessor|access(?:ible|ibility)\w*|source|schema\w*|distance|vault\w*|exists?)$|public|pubkey|keyword|keyring|keyboard|keyframe/i;

/** Does the name before a value say that the value is no secret? The name ends at the operator. */
export function isPublicName(before: string): boolean {
  const name =
    /([\w.-]{1,64})["'`\])]{0,2}\s{0,3}(?:=>|:=|[:=,>|]{1,3}|value=)?["'`\s=]{0,4}$/.exec(
      before,
    )?.[1];
  return name !== undefined && isPublicWord(name);
}

/** Does the name by itself say so? */
export function isPublicWord(name: string): boolean {
  return publicName.test(name);
}

function isPairOfTemplates(secret: string): boolean {
  const pair = /^["']?(.{1,120}?)["']?:["']?(.{1,120}?)["']?$/s.exec(secret);
  const [, user, password] = pair ?? [];
  return (
    user !== undefined &&
    password !== undefined &&
    (templates.some((template) => template.test(password)) ||
      /^(?:pass(?:word)?|pwd|secret|token|test|x+|\*+|change(?:it|me))$/i.test(password) ||
      /\$\{?\w+\}?$|\$\(.*\)$/.test(password))
  );
}

/** Split at marks, humps and digits, every piece reads like a word or a short number. */
function isMadeOfWords(value: string, averageMin: number): boolean {
  const pieces = value
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Za-z])(\d)/g, '$1 $2')
    .replaceAll(/(\d)([A-Za-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((piece) => piece !== '');
  const letters = pieces.filter((piece) => /[A-Za-z]/.test(piece));
  const numbers = pieces.filter((piece) => /\d/.test(piece));
  const average = letters.join('').length / Math.max(letters.length, 1);
  return (
    letters.every(isWordLike) &&
    average >= averageMin &&
    numbers.length <= Math.max(1, letters.length) &&
    numbers.every((number) => number.length <= 6 || /^(?:19|20)\d{6}$/.test(number))
  );
}

/** Letters a tongue can follow: no long run of consonants, some vowel in what is longer than four. */
function isWordLike(piece: string): boolean {
  return (
    !/[bcdfghjklmnpqrstvwxz]{5}/i.test(piece) && (piece.length <= 4 || /[aeiouy]/i.test(piece))
  );
}
/** Most of it is one character repeated, or characters in their order, also with digits between letters. */
function hasLongRun(text: string): boolean {
  const lower = text.toLowerCase();
  const enough = Math.min(8, Math.max(5, lower.length * 0.5));
  return (
    longestRun(lower) >= enough ||
    longestRun(lower.replaceAll(/[^a-z]/g, '')) >= enough ||
    longestRun(lower.replaceAll(/\D/g, '')) >= enough
  );
}

function longestRun(text: string): number {
  let same = 1;
  let rising = 1;
  let longest = 1;
  for (let at = 1; at < text.length; at += 1) {
    const step = text.charCodeAt(at) - text.charCodeAt(at - 1);
    same = step === 0 ? same + 1 : 1;
    rising = step === 1 ? rising + 1 : 1;
    longest = Math.max(longest, same, rising);
  }
  return longest;
}
