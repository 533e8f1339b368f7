/** A literal that a search for values begins with. */
export interface ContextWord {
  /** In small letters; white space in it stands for any. */
  readonly word: string;
  /**
   * How much is kept together with it: its own token, because it is a part of the value; two more words, as for a name that
   * may stand before its value; what comes within 28 units, as for a word that says that a value follows; or a command with
   * its options.
   */
  readonly holds: 'token' | 'words' | 'reach' | 'command';
  /** Says something only where a word begins with it. */
  readonly isBeginning?: boolean;
}

/** Words of names to which a secret is assigned. */
export const assignmentWords: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  '_pass',
  'pwd',
  'secret',
  'token',
  'api key',
  'api_key',
  'api-key',
  'apikey',
  'access_key',
  'access-key',
  'accesskey',
  'private_key',
  'private-key',
  'privatekey',
  'auth_key',
  'encryption_key',
  'signing_key',
  'bearer',
  'authorization',
];

/** Words that name a value whoever looks for it. */
export const commonWords: readonly ContextWord[] = [
  ...assignmentWords,
  'credential',
  'private key',
  'access key',
].map((word) => ({ word, holds: 'reach' }));

/** What is known of a rule for secrets. */
export interface RuleWords {
  readonly keywords: readonly string[];
  readonly expression: string;
  readonly before: readonly [number, number];
}

/** Whether the keyword is the beginning of every match, and a word begins there. */
export function beginsWord({ before, expression }: RuleWords): boolean {
  return before[1] === 0 && expression.startsWith('\\b');
}

/** The words of a rule: its value may be in another token than its name only if the expression says so. */
export function wordsOfRule(rule: RuleWords): readonly ContextWord[] {
  const { keywords, expression } = rule;
  const isBeginning = beginsWord(rule);
  // What may follow a value ends the token, and nothing of the value comes after it.
  const head = expression.replace(/\(\?:[^()]*\|\$\)$/, '');
  const isApart = gap.test(head);
  return keywords.map((word) => ({ word, holds: holdsOf(word, head, isApart), isBeginning }));
}

const gap = / |\\s|\\u0009|\\t|\[\^/;
// As far as it likes behind the name, though in the same line.
const options = /^\W*(?:b\W*)?(?:\(\?:)?\[\^\\n\](?:\*|\{0,\d{3,}\})/;

function holdsOf(word: string, expression: string, isApart: boolean): ContextWord['holds'] {
  const at = expression.toLowerCase().indexOf(word);
  if (at < 0) return 'words';
  if (at <= 2 && options.test(expression.slice(at + word.length))) return 'command';
  return isApart ? 'words' : 'token';
}
