/** Words that follow each other, with a few others between them at most. */
interface Phrase {
  /** What it is a sign of, as a warning says it. */
  readonly finding: string;
  readonly parts: readonly PhrasePart[];
}

/** One of these words, at most `gap` words behind the part before it. */
interface PhrasePart {
  readonly words: ReadonlySet<string>;
  readonly gap: number;
}

const normalizedLengthMax = 64;

/** A text as words in lower case; a mark that phrases know (`< / .`) is a word of its own. */
export function wordsOf(text: string): readonly string[] {
  const words = text.replace(/['’]/g, '').match(/[\p{L}\p{N}_]+|[</.]/gu) ?? [];
  // Normalizing takes time that grows with the square of a text of combining marks: never all of it at once.
  return words.map((word) =>
    (word.length > normalizedLengthMax ? word : word.normalize('NFKC')).toLowerCase(),
  );
}

/**
 * What the words are signs of. From each word on a window of fixed length is looked at, at most once for each phrase, so
 * the work grows with the text alone; `onStep` counts it.
 */
export function findPhrases(words: readonly string[], onStep?: () => void): readonly string[] {
  const findings = new Set<string>();
  for (const [at, word] of words.entries()) {
    onStep?.();
    for (const { finding, parts } of starts.get(word) ?? []) {
      if (findings.has(finding)) continue;
      if (continues(words, at, parts, onStep)) findings.add(finding);
    }
  }
  return [...findings];
}

/** Phrases by the words that they may begin with. */
function startsOf(all: readonly Phrase[]): ReadonlyMap<string, readonly Phrase[]> {
  const pairs = all.flatMap((one) =>
    [...(one.parts[0]?.words ?? [])].map((word) => ({ word, one })),
  );
  const groups = Map.groupBy(pairs, ({ word }) => word);
  return new Map([...groups].map(([word, group]) => [word, group.map(({ one }) => one)]));
}

function continues(
  words: readonly string[],
  start: number,
  parts: readonly PhrasePart[],
  onStep: (() => void) | undefined,
): boolean {
  let at = start;
  for (const part of parts.slice(1)) {
    const last = at + 1 + part.gap;
    do {
      at += 1;
      onStep?.();
    } while (at <= last && !part.words.has(words[at] ?? ''));
    if (at > last) return false;
  }
  return true;
}

function phrase(finding: string, ...parts: readonly (string | number)[]): Phrase {
  const read: PhrasePart[] = [];
  let gap = 0;
  for (const part of parts) {
    if (typeof part === 'number') {
      gap = part;
    } else {
      read.push({ words: new Set(part.split(' ')), gap });
      gap = 0;
    }
  }
  return { finding, parts: read };
}

const ignores = 'tells to ignore instructions';
const conceals = 'tells to keep something from the user';
const commands = 'speaks to the model like a system message';
const keys = 'names a file that holds keys';
const orders = 'tells what to do before other tools are used';
const history = 'asks for the conversation or the system prompt';

/** Words between numbers: how many others may stand between two parts. */
const phrases: readonly Phrase[] = [
  phrase(
    ignores,
    'ignore disregard forget override bypass',
    3,
    'previous prior above earlier preceding all any other your',
    3,
    'instruction instructions rule rules prompt prompts guideline guidelines policy policies',
  ),
  phrase(
    conceals,
    'not never dont cannot without avoid',
    2,
    'tell telling inform informing mention mentioning notify notifying reveal revealing disclose',
    4,
    'user users human person operator anyone',
  ),
  phrase(conceals, 'hide conceal keep hidden secret secretly', 4, 'from', 1, 'user users human'),
  phrase(commands, '<', 1, 'important system instruction instructions secret admin assistant'),
  phrase(keys, '.', 'ssh gnupg aws kube netrc npmrc pgpass env'),
  phrase(keys, 'id_rsa id_ed25519 id_ecdsa authorized_keys'),
  phrase(keys, '/', 'etc', '/', 'passwd shadow sudoers'),
  phrase(keys, 'mcp claude_desktop_config', '.', 'json'),
  phrase(
    orders,
    'before whenever instead prior always',
    3,
    'use using call calling invoke invoking run running',
    3,
    'other any all every another',
    1,
    'tool tools function functions',
  ),
  phrase(history, 'system developer', 'prompt message'),
  phrase(
    history,
    'include pass send copy whole full entire',
    4,
    'conversation chat',
    1,
    'history log transcript context',
  ),
];

const starts = startsOf(phrases);
