import { isMap, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import type { Document } from 'yaml';

/** A path into the configuration: keys and positions in lists. */
export type ConfigPath = readonly (string | number)[];

/** Keys that may be in the map at a path; none where the keys are the operator's own, as in `headers`. */
export type KnownKeys = (path: ConfigPath) => readonly string[];

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
const aliasesMax = 100;
/** Problems of the YAML itself that are told: one often brings many more. */
const yamlProblemsMax = 20;

/**
 * Reads YAML and lays the overrides over it; the later one counts. `file` names it in messages; `knownKeys` are the keys
 * that an override may mean although the file does not have them.
 */
export function readSource(
  file: string,
  yamlText: string,
  overrides: readonly Override[],
  knownKeys: KnownKeys,
): ConfigSource {
  const lines = new LineCounter();
  const { document, problems } = readDocument(file, yamlText, lines);
  const origins = new Map<string, string>();
  let tree: unknown = problems.length > 0 ? {} : toTree(document, file, problems);
  for (const { origin, path: given, value } of overrides) {
    const path = matchPath(tree, given, knownKeys);
    const refused = whyNowhere(tree, path);
    if (refused === undefined) {
      tree = setIn(tree, path, readScalar(value));
      origins.set(placeOf(path), origin);
    } else {
      problems.push({ where: origin, key: path.join('.'), message: refused });
    }
  }

  /** The override that gave a value, or something above it. */
  function overrideOf(path: ConfigPath): string | undefined {
    const own = origins.get(placeOf(path));
    return own ?? (path.length === 0 ? undefined : overrideOf(path.slice(0, -1)));
  }

  function whereIs(path: ConfigPath, key?: string): string {
    const overridden = overrideOf(key === undefined ? path : [...path, key]);
    if (overridden !== undefined) return overridden;
    const offset = offsetOf(document, path, key);
    if (offset === undefined) return path.length === 0 ? file : whereIs(path.slice(0, -1));
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  }

  function originOf(path: ConfigPath): string {
    if (readIn(tree, path) === undefined) return 'default';
    const overridden = overrideOf(path);
    if (overridden !== undefined) return overridden;
    const offset = offsetOf(document, path);
    return offset === undefined ? 'default' : `${file}:${lines.linePos(offset).line}`;
  }

  return { tree, problems, whereIs, originOf };
}

function readDocument(
  file: string,
  yamlText: string,
  lines: LineCounter,
): { readonly document: Document; readonly problems: ConfigProblem[] } {
  const isTooLarge = Buffer.byteLength(yamlText) > fileBytesMax;
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: true };
  try {
    const document = parseDocument(isTooLarge ? '' : yamlText, options);
    if (document.errors.some(({ message }) => message.startsWith('Maximum call stack'))) {
      throw new RangeError('nested too deeply');
    }
    // A warning is about a tag that nobody knows: what it means is not what stands there.
    const problems = [...document.errors, ...document.warnings]
      .slice(0, yamlProblemsMax)
      .map(({ pos, message }) => {
        const { line, col } = lines.linePos(pos[0]);
        return { where: `${file}:${line}:${col}`, key: '', message };
      });
    if (isTooLarge) {
      problems.push({ where: file, key: '', message: `the file exceeds ${fileBytesMax} bytes` });
    }
    return { document, problems };
  } catch {
    // The parser goes one call deeper for each level, and tells of the last one itself where it can.
    const problem = { where: file, key: '', message: 'the file is nested too deeply' };
    return { document: parseDocument(''), problems: [problem] };
  }
}

/** An alias may repeat what is anchored; the bound keeps a few lines from becoming millions. */
function toTree(document: Document, file: string, problems: ConfigProblem[]): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax }) ?? {};
  } catch {
    const message = `the file repeats too much by aliases; write it out, or use at most ${aliasesMax}`;
    problems.push({ where: file, key: '', message });
    return {};
  }
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

/** Settings of the command line: `server.port=7444`, `providers[0].name=demo`. */
export function readFlags(flags: readonly string[]): readonly Override[] {
  return flags.map((flag) => {
    const [key = '', ...rest] = flag.split('=');
    const path = key.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
    return { origin: `--set ${key}`, path, value: rest.join('=') };
  });
}

function readScalar(text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' }) as unknown;
  } catch {
    // What is no YAML is meant as it stands.
    return text;
  }
}

/** Environment names lost the case of their keys, so a key that differs only by case is the one that is meant. */
function matchPath(
  tree: unknown,
  path: readonly string[],
  knownKeys: KnownKeys,
): readonly string[] {
  const matched: string[] = [];
  let at: unknown = tree;
  for (const part of path) {
    const keys = [...keysOf(at), ...knownKeys(matched)];
    const key =
      keys.find((known) => known === part) ??
      keys.find((known) => known.toLowerCase() === part.toLowerCase()) ??
      part;
    matched.push(key);
    at = readIn(at, [key]);
  }
  return matched;
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

/** Why an override has no place in the tree; undefined when it has. */
function whyNowhere(tree: unknown, path: readonly string[]): string | undefined {
  if (path.includes('')) return 'names no key; write it as in the file, such as server.port';
  for (const [depth, key] of path.entries()) {
    const above = readIn(tree, path.slice(0, depth));
    if (above === undefined || above === null) return undefined;
    const place = path.slice(0, depth).join('.');
    if (typeof above !== 'object') return `${place} is no map; nothing can be set in it`;
    const isItem = /^\d+$/.test(key) && Object.hasOwn(above, key);
    if (!Array.isArray(above) || isItem) continue;
    return `${place} has ${above.length} items and none at ${key}; count from 0`;
  }
  return undefined;
}

function setIn(tree: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(tree)) {
    return tree.map((item: unknown, index) =>
      index === Number(key) ? setIn(item, rest, value) : item,
    );
  }
  const before = isRecord(tree) ? tree : {};
  return { ...before, [key]: setIn(readIn(before, [key]), rest, value) };
}

function readIn(tree: unknown, path: ConfigPath): unknown {
  let at = tree;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    // It is a map or a list that has this key.
    at = (at as Readonly<Record<string | number, unknown>>)[part];
  }
  return at;
}

/** A path as the key of a map; no key of the configuration has a NUL in it. */
function placeOf(path: ConfigPath): string {
  return path.join('\0');
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
