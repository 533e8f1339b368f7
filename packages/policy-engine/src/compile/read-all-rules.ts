import type { ToolDefinition } from '@modelhost/kernel';
import type { RuleSetPart } from '../annotations.ts';
import type { CedarRuntime } from '../cedar-runtime.ts';
import { partOf } from '../policy-file.ts';
import type { PolicyFile } from '../policy-file.ts';
import { invalidRule, scanRules } from '../rules.ts';
import type { Rule } from '../rules.ts';
import { checkRules } from './check-rules.ts';
import { problemOf } from './policy-problem.ts';
import type { PolicyProblem } from './policy-problem.ts';

/** The rules of a rule set that can be read, and everything that is wrong with it. */
export interface RuleSetReading {
  readonly authorize: readonly Rule[];
  readonly oblige: readonly Rule[];
  /** In the order of the files and places. */
  readonly problems: readonly PolicyProblem[];
}

/** Reads and checks a rule set as strictly as can be, and goes on after what is wrong. */
export function readAllRules(
  files: readonly PolicyFile[],
  tools: readonly ToolDefinition[],
  cedar: CedarRuntime,
): RuleSetReading {
  const problems: PolicyProblem[] = [];
  const attempt = (read: () => void): void => {
    try {
      read();
    } catch (thrown) {
      problems.push(problemOf(thrown));
    }
  };
  const byPart: Record<RuleSetPart, PolicyFile[]> = { authorize: [], oblige: [] };
  for (const file of files) {
    attempt(() => {
      const part = partOf(file.name);
      if (part !== undefined) byPart[part].push(file);
    });
  }
  const readPart = (part: RuleSetPart): readonly Rule[] => {
    const rules: Rule[] = [];
    attempt(() => {
      for (const reading of scanRules(byPart[part], part, cedar)) {
        if (reading.type === 'rule') rules.push(reading.rule);
        else problems.push(problemOf(reading.error));
      }
    });
    problems.push(...checkRules(rules, tools, cedar));
    return rules;
  };
  const authorize = readPart('authorize');
  const oblige = readPart('oblige');
  problems.push(...twins(authorize, oblige));
  return { authorize, oblige, problems: inOrder(problems, files) };
}

function twins(authorize: readonly Rule[], oblige: readonly Rule[]): readonly PolicyProblem[] {
  const places = new Map(authorize.map(({ id, place }) => [id, place]));
  return oblige.flatMap(({ id, place }) => {
    const twin = places.get(id);
    if (twin === undefined) return [];
    const problem = `a rule "${id}" stands at ${twin} already`;
    return [problemOf(invalidRule(place, problem, 'give each rule an @id of its own'))];
  });
}

function inOrder(
  problems: readonly PolicyProblem[],
  files: readonly PolicyFile[],
): readonly PolicyProblem[] {
  const places = new Map(files.map(({ name }, place) => [name, place]));
  const placeOf = ({ file }: PolicyProblem): number => places.get(file) ?? -1;
  return problems.toSorted(
    (left, right) =>
      placeOf(left) - placeOf(right) || left.line - right.line || left.column - right.column,
  );
}
