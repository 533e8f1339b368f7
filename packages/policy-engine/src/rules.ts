import type { Effect, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { HostError, sha256Hex } from '@modelhost/kernel';
import { readAnnotations } from './annotations.ts';
import type { Remedy } from './annotations.ts';
import { textBounds } from './bounds.ts';
import type { CedarRuntime } from './cedar-runtime.ts';
import type { PolicyFile } from './policy-file.ts';
import { namesIn } from './rule-names.ts';
import type { RuleNames } from './rule-names.ts';
import { readScope } from './rule-scope.ts';
import type { RuleScope } from './rule-scope.ts';
import { splitStatements } from './statements.ts';
import type { Statement } from './statements.ts';
import { offsetOfByte, placeOf } from './text-place.ts';

/** A rule that Cedar can read, with what the decision needs to know of it. */
export interface Rule extends RuleNames, RuleScope {
  readonly id: string;
  readonly effect: Effect;
  readonly message: string;
  readonly remedy: Remedy | undefined;
  readonly text: string;
  /** `file:line:column` of its first word. */
  readonly place: string;
}

interface PlacedStatement extends Statement {
  readonly file: PolicyFile;
}

/** Reads every rule, in order. Throws `config_invalid` with file, line, column and remedy for the first that is wrong. */
export function readRules(files: readonly PolicyFile[], cedar: CedarRuntime): readonly Rule[] {
  checkBounds(files);
  const rules = new Map<string, Rule>();
  for (const file of files) {
    for (const statement of statementsOf(file)) {
      const rule = readRule({ ...statement, file }, cedar);
      const twin = rules.get(rule.id);
      if (twin !== undefined) {
        throw invalidRule(
          rule.place,
          `a rule "${rule.id}" stands at ${twin.place} already`,
          'give each rule an @id of its own',
        );
      }
      if (rules.size >= textBounds.rules) {
        throw invalidRule(rule.place, `more than ${textBounds.rules} rules`, 'remove some');
      }
      rules.set(rule.id, rule);
    }
  }
  return [...rules.values()];
}

/** Digest of names and texts, in their order. */
export function digestFiles(files: readonly PolicyFile[]): string {
  return sha256Hex(JSON.stringify(files.map(({ name, text }) => [name, text])));
}

/** An error about a place in a policy file: what is wrong, then what to do. */
export function invalidRule(
  place: string,
  problem: string,
  remedy: string,
  cause?: unknown,
): HostError {
  return new HostError('config_invalid', `${place}: ${problem}; ${remedy}`, { cause });
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
      throw new HostError(
        'config_invalid',
        `${name}: policies have at most ${textBounds.fileBytes} bytes in a file and ${textBounds.totalBytes} in all`,
      );
    }
    if (!text.isWellFormed()) {
      throw new HostError('config_invalid', `${name}: the text is no valid Unicode`);
    }
  }
}

function statementsOf(file: PolicyFile): readonly Statement[] {
  const split = splitStatements(file.text);
  switch (split.type) {
    case 'statements':
      return split.statements;
    case 'problem':
      throw invalidRule(
        `${file.name}:${placeOf(file.text, split.offset)}`,
        split.problem,
        split.remedy,
      );
  }
}

function readRule(statement: PlacedStatement, cedar: CedarRuntime): Rule {
  const { file, text, offset } = statement;
  const place = `${file.name}:${placeOf(file.text, offset)}`;
  if (Buffer.byteLength(text, 'utf8') > textBounds.ruleBytes) {
    throw invalidRule(
      place,
      `the rule is longer than ${textBounds.ruleBytes} bytes`,
      'write several rules',
    );
  }
  const policy = parse(statement, place, cedar);
  const fail = (problem: string, remedy: string): HostError => invalidRule(place, problem, remedy);
  return {
    ...readAnnotations(policy, fail),
    ...namesIn(policy),
    effect: policy.effect,
    text,
    place,
    ...readScope(policy, fail),
  };
}

function parse(statement: PlacedStatement, place: string, cedar: CedarRuntime): PolicyJson {
  const { file, text, offset } = statement;
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
        `${file.name}:${placeOf(file.text, at)}`,
        `this is no Cedar policy: ${(error?.message ?? 'unknown reason').slice(0, textBounds.messageLength)}`,
        error?.help ?? 'check the words and signs here against the Cedar syntax',
      );
    }
  }
}
