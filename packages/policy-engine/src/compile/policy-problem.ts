import { HostError } from '@modelhost/kernel';
import type { Rule } from '../rules.ts';
import { createPlaces, offsetOfByte } from '../text-place.ts';

/** What is wrong with the text of a rule set, and where. */
export interface PolicyProblem {
  /** Empty when it is the rule set as a whole. */
  readonly file: string;
  /** From 1; 0 when it is the whole file. */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 when it is the whole file. */
  readonly column: number;
  /** With an error the rules cannot be used. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** The problem that an error of the readers of rules is about. Throws the error when it is about none. */
export function problemOf(error: unknown): PolicyProblem {
  if (!(error instanceof HostError) || error.code !== 'config_invalid') throw error;
  const { place = '', problem = error.message, remedy = 'correct it' } = error.facts;
  return { ...readPlace(place), severity: 'error', message: problem, remedy };
}

/** The error for a problem, in the words of the readers of rules. */
export function errorOf(problem: PolicyProblem, others: number): HostError {
  const { file, line, message, remedy } = problem;
  const within = line === 0 ? file : `${file}:${line}:${problem.column}`;
  const place = file === '' ? 'policies' : within;
  const more = others === 0 ? '' : ` (and ${others} more)`;
  return new HostError('config_invalid', `${place}: ${message}; ${remedy}${more}`, {
    facts: { place, problem: message, remedy },
  });
}

/** The place in the file of a byte of the rule's text. */
export function placeWithin(
  { text, place }: Pick<Rule, 'text' | 'place'>,
  byteOffset: number,
): Pick<PolicyProblem, 'file' | 'line' | 'column'> {
  const start = readPlace(place);
  const within = readPlace(`:${createPlaces(text).at(offsetOfByte(text, byteOffset))}`);
  const isFirstLine = within.line === 1;
  return {
    file: start.file,
    line: start.line + within.line - 1,
    column: isFirstLine ? start.column + within.column - 1 : within.column,
  };
}

/** `file:line:column`; the name of a file may hold colons too. */
function readPlace(place: string): Pick<PolicyProblem, 'file' | 'line' | 'column'> {
  const match = /^(.*):([0-9]+):([0-9]+)$/s.exec(place);
  if (match === null) return { file: place, line: 0, column: 0 };
  return { file: match[1] ?? '', line: Number(match[2]), column: Number(match[3]) };
}
