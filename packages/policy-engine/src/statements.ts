import { textBounds } from './bounds.ts';

/** A piece of a policy file that ends with its semicolon. */
export interface Statement {
  readonly text: string;
  /** Where the text starts in the file, in UTF-16 units. */
  readonly offset: number;
}

/** Why a file cannot be handed to Cedar, and where. */
export interface StatementProblem {
  readonly offset: number;
  readonly problem: string;
  readonly remedy: string;
}

/** Statements of a file, or the first reason not to show it to Cedar. */
export type StatementSplit =
  | { readonly type: 'statements'; readonly statements: readonly Statement[] }
  | ({ readonly type: 'problem' } & StatementProblem);

// A white space or comment, a string, a name, or any other single character.
const tokenPattern = /\s+|\/\/[^\n\r]*|"(?:[^"\\]|\\[^])*"|[A-Za-z0-9_]+|[^]/gy;

interface Progress {
  start: number | undefined;
  tokens: number;
  conditionals: number;
  /** Signs chained so far, for each bracket that is open. */
  readonly chains: number[];
}

function newProgress(): Progress {
  return { start: undefined, tokens: 0, conditionals: 0, chains: [0] };
}

/**
 * Splits a file at the semicolons outside strings and comments, and refuses what would break Cedar's parser:
 * nesting and length past the bounds. Nothing else is checked here.
 */
export function splitStatements(text: string): StatementSplit {
  const statements: Statement[] = [];
  let progress = newProgress();
  for (const match of text.matchAll(tokenPattern)) {
    const token = match[0];
    if (token.trim() === '' || token.startsWith('//')) continue;
    progress.start ??= match.index;
    const problem = advance(progress, token);
    if (problem !== undefined) return { type: 'problem', offset: match.index, ...problem };
    if (token !== ';') continue;
    statements.push({
      text: text.slice(progress.start, match.index + 1),
      offset: progress.start,
    });
    progress = newProgress();
  }
  if (progress.start !== undefined) {
    statements.push({ text: text.slice(progress.start), offset: progress.start });
  }
  return { type: 'statements', statements };
}

function advance(progress: Progress, token: string): Excess | undefined {
  progress.tokens += 1;
  if (token === 'if') progress.conditionals += 1;
  followChain(progress.chains, token);
  if (progress.chains.length > textBounds.nesting + 1) return excesses.nesting;
  if (progress.conditionals > textBounds.conditionals) return excesses.conditionals;
  if (progress.tokens > textBounds.ruleTokens) return excesses.tokens;
  const chained = progress.chains.reduce((sum, length) => sum + length, 0);
  return chained > textBounds.chain ? excesses.chain : undefined;
}

function followChain(chains: number[], token: string): void {
  if (')]}'.includes(token) && chains.length > 1) chains.pop();
  const last = chains.length - 1;
  if ('.[+-*'.includes(token)) chains[last] = (chains[last] ?? 0) + 1;
  // What stands on both sides of these is parsed side by side, not one within the other.
  if (chainEnds.has(token)) chains[last] = 0;
  if ('([{'.includes(token)) chains.push(0);
}

const chainEnds: ReadonlySet<string> = new Set([',', '&', '|', 'if', 'then', 'else']);

type Excess = Omit<StatementProblem, 'offset'>;

const excesses = {
  nesting: {
    problem: `brackets are nested more than ${textBounds.nesting} deep`,
    remedy: 'write the rule flatter, or as several rules',
  },
  conditionals: {
    problem: `more than ${textBounds.conditionals} \`if\` in one rule`,
    remedy: 'write several rules',
  },
  tokens: {
    problem: `the rule has more than ${textBounds.ruleTokens} words and signs`,
    remedy: 'end it with a semicolon, or write several rules',
  },
  chain: {
    problem: `more than ${textBounds.chain} dots, brackets or arithmetic signs in a chain`,
    remedy: 'write the condition shorter',
  },
};
