import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { z } from 'zod';
import { checkPolicies } from './check-policies.ts';
import { checkRedaction } from './check-redaction.ts';
import { checkFiles, checkListeners, checkReferences } from './cross-checks.ts';
import { readSecrets } from './read-secrets.ts';
import type { Secret } from './secret.ts';
import { knownKeys } from './known-keys.ts';
import { createReport, keyOf } from './report.ts';
import { configSchema } from './schema.ts';
import { readEnvironment, readFlags, readSource } from './source.ts';
import type { ConfigProblem, ConfigSource } from './source.ts';
import type { ConfigTree } from './tree.ts';
import { nearest } from '@modelhost/policy-engine';

/** A configuration that was checked as a whole. */
export interface HostConfig {
  /** Every value, defaults included; secrets are still references, so it may be printed. */
  readonly tree: ConfigTree;
  /** Where each value was written, or `default`. */
  readonly originOf: ConfigSource['originOf'];
  /** An absolute path for one that is relative to the configuration file. */
  readonly pathOf: (path: string) => string;
  /** A text with what its references stand for. */
  readonly reveal: (value: string) => string;
  /** What all references stand for. */
  readonly secrets: readonly Secret[];
}

/** What a configuration is read from. */
export interface ConfigInput {
  /** Path of the YAML file. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `key.path=value`, later ones count. */
  readonly flags: readonly string[];
}

/**
 * Reads file, environment and flags. Throws `config_invalid` with one line for each problem,
 * `file:line:column: key: problem; remedy`: all that is no YAML, else all that has the wrong shape, else all that the
 * values refer to in vain. A later stage would only repeat the mistakes of an earlier one.
 */
export function readHostConfig(input: ConfigInput): HostConfig {
  const overrides = [...readEnvironment(input.environment), ...readFlags(input.flags)];
  const source = readSource(input.file, readText(input.file), overrides, knownKeys);
  refuse(source.problems);
  const tree = readTree(source);
  const base = dirname(resolve(input.file));
  const pathOf = (path: string): string => resolve(base, path);
  const report = createReport(source);
  checkReferences(tree, report);
  checkFiles(tree, pathOf, report);
  checkPolicies({ tree, environment: input.environment, pathOf, report });
  checkRedaction(tree, pathOf, report);
  checkListeners(tree, report);
  const secrets = readSecrets({ tree, environment: input.environment, pathOf, report });
  refuse(report.problems);
  return {
    tree,
    originOf: (path) => source.originOf(path),
    pathOf,
    ...secrets,
  };
}

function readTree(source: ConfigSource): ConfigTree {
  const parsed = configSchema.safeParse(source.tree, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw problemsError(parsed.error.issues.flatMap((issue) => toProblems(issue, source)));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HostError(
      'config_invalid',
      `${file}: cannot be read; name the file with --config, or begin with examples/demo/model-host.yaml`,
      { cause },
    );
  }
}

/** Throws what was found; does nothing for no problem. */
function refuse(problems: readonly ConfigProblem[]): void {
  if (problems.length > 0) throw problemsError(problems);
}

function problemsError(problems: readonly ConfigProblem[]): HostError {
  const lines = problems.map(({ where, key, message }) =>
    key === '' ? `${where}: ${message}` : `${where}: ${key}: ${message}`,
  );
  return new HostError('config_invalid', lines.join('\n'), {
    violations: problems.map(({ key, message }) => ({ field: key, description: message })),
  });
}

type Issue = z.core.$ZodIssue;

function toProblems(issue: Issue, source: ConfigSource): readonly ConfigProblem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const guess = nearest(key, knownKeys(path));
      const remedy = guess === undefined ? 'remove it' : `did you mean ${JSON.stringify(guess)}?`;
      return {
        where: source.whereIs(path, key),
        key: keyOf([...path, key]),
        message: `unknown key; ${remedy}`,
      };
    });
  }
  return [{ where: source.whereIs(path), key: keyOf(path), message: describe(issue) }];
}

function describe(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; give ${article(issue.expected)}`
        : `must be ${article(issue.expected)}`;
    case 'too_small':
    case 'too_big':
      return describeBound(issue);
    case 'invalid_value':
      return own(issue) ?? `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return own(issue) ?? `must be a valid ${issue.format}`;
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return issue.message;
  }
}

function describeBound(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  if (issue.code === 'too_big') {
    return own(issue) ?? `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
  }
  const relation = issue.inclusive === false ? 'above' : 'at least';
  return `must be ${relation} ${issue.minimum}${unitOf(issue.origin)}`;
}

/** The message that our schema gives; undefined for the library's own. */
function own({ message }: Issue): string | undefined {
  return /^(?:Invalid|Too big)/.test(message) ? undefined : message;
}

function article(type: string): string {
  return (
    { int: 'a whole number', object: 'a map', array: 'a list', boolean: 'true or false' }[type] ??
    `a ${type}`
  );
}

function unitOf(origin: string): string {
  return { string: ' characters', array: ' items' }[origin] ?? '';
}
