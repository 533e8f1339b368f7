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
  depth: number;
  conditionals: number;
}

/**
 * Splits a file at the semicolons outside strings and comments, and refuses what would break Cedar's parser:
 * nesting and length past the bounds. Nothing else is checked here.
 */
export function splitStatements(text: string): StatementSplit {
  const statements: Statement[] = [];
  let progress: Progress = { start: undefined, tokens: 0, depth: 0, conditionals: 0 };
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
    progress = { start: undefined, tokens: 0, depth: 0, conditionals: 0 };
  }
  if (progress.start !== undefined) {
    statements.push({ text: text.slice(progress.start), offset: progress.start });
  }
  return { type: 'statements', statements };
}

function advance(progress: Progress, token: string): Omit<StatementProblem, 'offset'> | undefined {
  progress.tokens += 1;
  if ('([{'.includes(token)) progress.depth += 1;
  if (')]}'.includes(token)) progress.depth -= 1;
  if (token === 'if') progress.conditionals += 1;
  if (progress.depth > textBounds.nesting) {
    return {
      problem: `brackets are nested more than ${textBounds.nesting} deep`,
      remedy: 'write the rule flatter, or as several rules',
    };
  }
  if (progress.conditionals > textBounds.conditionals) {
    return {
      problem: `more than ${textBounds.conditionals} \`if\` in one rule`,
      remedy: 'write several rules',
    };
  }
  if (progress.tokens > textBounds.ruleTokens) {
    return {
      problem: `the rule has more than ${textBounds.ruleTokens} words and signs`,
      remedy: 'end it with a semicolon, or write several rules',
    };
  }
  return undefined;
}
