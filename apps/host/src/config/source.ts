import { isMap, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import type { Document } from 'yaml';

/** A path into the configuration: keys and positions in lists. */
export type ConfigPath = readonly (string | number)[];

/** Something that is wrong, at the place where it was written. */
export interface ConfigProblem {
  /** `file:line:column`, the name of an environment variable, or of a flag. */
  readonly where: string;
  /** Dotted path of the key; empty for the whole. */
  readonly key: string;
  /** What is wrong and what helps; never the value of a secret. */
  readonly message: string;
}

/** What was written, and where each value comes from. */
export interface ConfigSource {
  /** The merged tree, not checked yet. */
  readonly tree: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Where a value, or a key of a map, was written; the nearest place above it when it was not. */
  whereIs(path: ConfigPath, key?: string): string;
  /** `default` when nobody wrote it. */
  originOf(path: ConfigPath): string;
}

/** A setting beside the file. */
export interface Override {
  /** Shown as its place, such as `MH__SERVER__PORT` or `--set server.port`. */
  readonly origin: string;
  readonly path: readonly string[];
  readonly value: string;
}

const fileBytesMax = 1_048_576;

/**
 * Reads YAML and lays the overrides over it; the later one counts. `file` names it in messages; `knownKeys` are keys that
 * an override may mean although the file does not have them.
 */
export function readSource(
  file: string,
  yamlText: string,
  overrides: readonly Override[],
  knownKeys: readonly string[],
): ConfigSource {
  const lines = new LineCounter();
  const isTooLarge = Buffer.byteLength(yamlText) > fileBytesMax;
  const document = parseDocument(isTooLarge ? '' : yamlText, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  });
  const problems: ConfigProblem[] = document.errors.map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0]);
    return { where: `${file}:${line}:${col}`, key: '', message };
  });
  if (isTooLarge) {
    problems.push({ where: file, key: '', message: `the file exceeds ${fileBytesMax} bytes` });
  }
  let tree: unknown = problems.length > 0 ? {} : readTree(document, file, problems);
  const origins = new Map<string, string>();
  for (const override of overrides) {
    const path = matchPath(tree, override.path, knownKeys);
    origins.set(path.join('.'), override.origin);
    if (isBeyondList(tree, path)) {
      problems.push({
        where: override.origin,
        key: path.join('.'),
        message: 'there is no such item in the list',
      });
      continue;
    }
    tree = setIn(tree, path, readScalar(override.value));
  }

  function whereIs(path: ConfigPath, key?: string): string {
    const overridden = origins.get([...path, ...(key === undefined ? [] : [key])].join('.'));
    if (overridden !== undefined) return overridden;
    const offset = offsetOf(document, path, key);
    if (offset === undefined) return path.length === 0 ? file : whereIs(path.slice(0, -1));
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  }

  function originOf(path: ConfigPath): string {
    const overridden = origins.get(path.join('.'));
    if (overridden !== undefined) return overridden;
    const offset = offsetOf(document, path);
    return offset === undefined ? 'default' : `${file}:${lines.linePos(offset).line}`;
  }

  return { tree, problems, whereIs, originOf };
}

function readTree(document: Document, file: string, problems: ConfigProblem[]): unknown {
  try {
    // An alias may repeat what is anchored; the bound keeps a few lines from becoming millions.
    return (document.toJS({ maxAliasCount: 100 }) as unknown) ?? {};
  } catch {
    problems.push({
      where: file,
      key: '',
      message: 'has too many aliases, or one without its anchor',
    });
    return {};
  }
}

/** Whether a path names an item that a list of the tree does not have. */
function isBeyondList(tree: unknown, path: readonly string[]): boolean {
  let at: unknown = tree;
  for (const key of path) {
    if (Array.isArray(at) && !(/^\d+$/.test(key) && Number(key) < at.length)) return true;
    // What is neither a list nor a map has no members.
    at =
      isRecord(at) || Array.isArray(at)
        ? (at as Readonly<Record<string, unknown>>)[key]
        : undefined;
  }
  return false;
}

/** Settings of the environment: `MH__SERVER__PORT` is `server.port`, whatever the case. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): readonly Override[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith('MH__') && value !== undefined
      ? [{ origin: name, path: name.slice(4).split('__'), value }]
      : [],
  );
}

/** Settings of the command line: `server.port=7444`. */
export function readFlags(flags: readonly string[]): readonly Override[] {
  return flags.map((flag) => {
    const [key = '', ...rest] = flag.split('=');
    return { origin: `--set ${key}`, path: key.split('.'), value: rest.join('=') };
  });
}

function readScalar(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    // What is no YAML is meant as it stands.
    return text;
  }
}

/** Environment names lost the case of their keys, so a key that differs only by case is the one that is meant. */
function matchPath(
  tree: unknown,
  path: readonly string[],
  knownKeys: readonly string[],
): readonly string[] {
  const matched: string[] = [];
  let at: unknown = tree;
  for (const part of path) {
    const known = [...keysOf(at), ...knownKeys].find(
      (key) => key.toLowerCase() === part.toLowerCase(),
    );
    const key = known ?? part;
    matched.push(key);
    at =
      isRecord(at) || Array.isArray(at)
        ? (at as Readonly<Record<string, unknown>>)[key]
        : undefined;
  }
  return matched;
}

function keysOf(value: unknown): readonly string[] {
  return isRecord(value) || Array.isArray(value) ? Object.keys(value) : [];
}

function setIn(tree: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(tree) && /^\d+$/.test(key)) {
    return tree.map((item: unknown, index) =>
      index === Number(key) ? setIn(item, rest, value) : item,
    );
  }
  const before = isRecord(tree) ? tree : {};
  return { ...before, [key]: setIn(before[key], rest, value) };
}

function offsetOf(document: Document, path: ConfigPath, key?: string): number | undefined {
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  if (key !== undefined && isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (isScalar(pair?.key)) return pair.key.range?.[0];
  }
  const { range } = isRecord(node) ? node : {};
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
