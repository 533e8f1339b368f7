import type { Effect, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { HostError } from '@modelhost/kernel';
import { readAnnotations } from './annotations.ts';
import type { RuleAnnotations, RuleSetPart } from './annotations.ts';
import { textBounds } from './bounds.ts';
import type { CedarRuntime } from './cedar-runtime.ts';
import { hasLargePattern } from './patterns.ts';
import type { PolicyFile } from './policy-file.ts';
import { namesIn } from './rule-names.ts';
import type { RuleNames } from './rule-names.ts';
import { readScope } from './rule-scope.ts';
import type { RuleScope } from './rule-scope.ts';
import { splitStatements } from './statements.ts';
import type { Statement } from './statements.ts';
import { createPlaces, offsetOfByte } from './text-place.ts';
import type { Places } from './text-place.ts';

/** A rule that Cedar can read, with what the decision needs to know of it. Plain data, so that it can be sent to another thread. */
export interface Rule extends RuleAnnotations, RuleNames, RuleScope {
  readonly effect: Effect;
  readonly text: string;
  /** `file:line:column` of its first word. */
  readonly place: string;
}

interface PlacedStatement extends Statement {
  readonly file: PolicyFile;
  readonly part: RuleSetPart;
  readonly places: Places;
}

/** Reads every rule of one part, in order. Throws `config_invalid` with file, line, column and remedy for the first that is wrong. */
export function readRules(
  files: readonly PolicyFile[],
  part: RuleSetPart,
  cedar: CedarRuntime,
): readonly Rule[] {
  const rules: Rule[] = [];
  for (const reading of scanRules(files, part, cedar)) {
    if (reading.type === 'problem') throw reading.error;
    rules.push(reading.rule);
  }
  return rules;
}

/** A rule, or what is wrong in its place. */
export type RuleReading =
  | { readonly type: 'rule'; readonly rule: Rule }
  | { readonly type: 'problem'; readonly error: HostError };

/** Reads every rule of one part and goes on after those that are wrong. Throws only when there is too much to read. */
export function* scanRules(
  files: readonly PolicyFile[],
  part: RuleSetPart,
  cedar: CedarRuntime,
): Generator<RuleReading, void, undefined> {
  checkBounds(files);
  const placesById = new Map<string, string>();
  for (const file of files) {
    const places = createPlaces(file.text);
    const split = splitStatements(file.text);
    if (split.type === 'problem') {
      const { offset, problem, remedy } = split;
      const error = invalidRule(`${file.name}:${places.at(offset)}`, problem, remedy);
      yield { type: 'problem', error };
      continue;
    }
    for (const statement of split.statements) {
      const reading = tryRule({ ...statement, file, part, places }, cedar);
      yield reading.type === 'rule' ? checkTwin(reading.rule, placesById) : reading;
    }
  }
}

function tryRule(statement: PlacedStatement, cedar: CedarRuntime): RuleReading {
  try {
    return { type: 'rule', rule: readRule(statement, cedar) };
  } catch (thrown) {
    if (thrown instanceof HostError) return { type: 'problem', error: thrown };
    throw thrown;
  }
}

function checkTwin(rule: Rule, placesById: Map<string, string>): RuleReading {
  const { id, place } = rule;
  const twinPlace = placesById.get(id);
  if (twinPlace !== undefined) {
    const problem = `a rule "${id}" stands at ${twinPlace} already`;
    return {
      type: 'problem',
      error: invalidRule(place, problem, 'give each rule an @id of its own'),
    };
  }
  if (placesById.size >= textBounds.rules) {
    throw invalidRule(place, `more than ${textBounds.rules} rules`, 'remove some');
  }
  placesById.set(id, place);
  return { type: 'rule', rule };
}

/** An error about a place in a policy file: what is wrong, then what to do. */
export function invalidRule(
  place: string,
  problem: string,
  remedy: string,
  cause?: unknown,
): HostError {
  return new HostError('config_invalid', `${place}: ${problem}; ${remedy}`, {
    cause,
    facts: { place, problem, remedy },
  });
}

function checkBounds(files: readonly PolicyFile[]): void {
  let bytesLeft: number = textBounds.totalBytes;
  if (files.length > textBounds.files) {
    throw new HostError(
      'config_invalid',
      `${files.length} policy files, at most ${textBounds.files} are read`,
    );
  }
  for (const { name, text } of files) {
    const bytes = Buffer.byteLength(text, 'utf8');
    bytesLeft -= bytes;
    if (bytes > textBounds.fileBytes || bytesLeft < 0) {
      throw invalidRule(
        name,
        `policies have at most ${textBounds.fileBytes} bytes in a file and ${textBounds.totalBytes} in all`,
        'write fewer or shorter rules',
      );
    }
    if (!text.isWellFormed()) {
      throw invalidRule(name, 'the text is no valid Unicode', 'save it as UTF-8');
    }
  }
}

function readRule(statement: PlacedStatement, cedar: CedarRuntime): Rule {
  const { file, text, offset, places } = statement;
  const place = `${file.name}:${places.at(offset)}`;
  if (Buffer.byteLength(text, 'utf8') > textBounds.ruleBytes) {
    throw invalidRule(
      place,
      `the rule is longer than ${textBounds.ruleBytes} bytes`,
      'write several rules',
    );
  }
  const policy = parse(statement, place, cedar);
  const fail = (problem: string, remedy: string): HostError => invalidRule(place, problem, remedy);
  if (hasLargePattern(policy)) {
    throw fail(
      `a pattern of \`like\` has more than ${textBounds.patternLength} characters or ${textBounds.patternStars} stars`,
      'write it shorter',
    );
  }
  return {
    ...readAnnotations(policy, statement.part, fail),
    ...namesIn(policy),
    effect: policy.effect,
    text,
    place,
    ...readScope(policy, fail),
  };
}

function parse(statement: PlacedStatement, place: string, cedar: CedarRuntime): PolicyJson {
  const { file, text, offset, places } = statement;
  let answer: ReturnType<CedarRuntime['parse']>;
  try {
    answer = cedar.parse(text);
  } catch (cause) {
    throw invalidRule(place, 'Cedar cannot read the rule', 'write it simpler', cause);
  }
  switch (answer.type) {
    case 'success':
      return answer.json;
    case 'failure': {
      const error = answer.errors[0];
      const start = error?.sourceLocations?.[0]?.start ?? 0;
      const at = offset + offsetOfByte(text, start);
      throw invalidRule(
        `${file.name}:${places.at(at)}`,
        `this is no Cedar policy: ${(error?.message ?? 'unknown reason').slice(0, textBounds.messageLength)}`,
        error?.help ?? 'check the words and signs here against the Cedar syntax',
      );
    }
  }
}
