/** A condition of a rule as it is written. */
export interface ClauseText {
  readonly kind: 'when' | 'unless';
  /** What stands between its braces. */
  readonly body: string;
  /** The parts of a `when` that all have to hold, if it has several; else none. */
  readonly parts: readonly string[];
}

// A white space or comment, a string, a name, two signs that belong together, or any other single character.
const tokenPattern = /\s+|\/\/[^\n\r]*|"(?:[^"\\]|\\[^])*"|[A-Za-z0-9_]+|&&|\|\||[^]/gy;

/** Splits a rule that Cedar can read into its conditions. */
export function clausesOf(rule: string): readonly ClauseText[] {
  const clauses: ClauseText[] = [];
  let depth = 0;
  let kind: ClauseText['kind'] | undefined;
  let start = 0;
  for (const { 0: token, index } of rule.matchAll(tokenPattern)) {
    if (depth === 0 && (token === 'when' || token === 'unless')) kind = token;
    if ('([{'.includes(token)) {
      if (depth === 0) start = index + 1;
      depth += 1;
    }
    if (!')]}'.includes(token)) continue;
    depth -= 1;
    if (depth > 0 || kind === undefined) continue;
    const body = rule.slice(start, index).trim();
    clauses.push({ kind, body, parts: kind === 'when' ? partsOf(body) : [] });
  }
  return clauses;
}

/** The condition for people to read. */
export function clauseText({ kind, body }: ClauseText): string {
  return `${kind} { ${body} }`;
}

/** The conditions as they stand in a rule. What is written may end with a comment, which must not swallow the brace. */
export function conditionsText(clauses: readonly Pick<ClauseText, 'kind' | 'body'>[]): string {
  return clauses.map(({ kind, body }) => `${kind} { ${body}\n}`).join(' ');
}

/** Parts that `&&` joins, if nothing binds weaker. */
function partsOf(body: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of body.matchAll(tokenPattern)) {
    if ('([{'.includes(token)) depth += 1;
    if (')]}'.includes(token)) depth -= 1;
    if (depth > 0) continue;
    if (token === '||' || token === 'if') return [];
    if (token !== '&&') continue;
    parts.push(body.slice(start, index).trim());
    start = index + token.length;
  }
  return parts.length === 0 ? [] : [...parts, body.slice(start).trim()];
}
