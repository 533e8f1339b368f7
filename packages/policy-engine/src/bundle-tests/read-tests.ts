import { HostError } from '@modelhost/kernel';
import type { PolicyRequest } from '@modelhost/kernel';
import { isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { PolicyFile } from '../policy-file.ts';
import { readExpectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';
import { readGiven } from './given.ts';
import type { GivenWorld } from './given.ts';
import { aMap, aText, refuseOthers, take, takeSection } from './section.ts';
import type { Section, TestProblem } from './section.ts';

/** A question with the answer that the rules should give. */
export interface BundleTest {
  readonly file: string;
  /** Where it begins in the file, from 1. */
  readonly line: number;
  readonly name: string;
  readonly request: PolicyRequest;
  readonly expect: Expectation;
}

const testsMax = 10_000;
const fileLengthMax = 1_048_576;
const problemsMax = 20;

/**
 * Reads the tests of a bundle: YAML or JSON, each file a list of `{ name, given, expect }`. `tools` are those that a test
 * may name. Throws `config_invalid` with a line for each mistake: file, line, column, name of the test, remedy.
 */
export function readBundleTests(
  files: readonly PolicyFile[],
  world: GivenWorld,
): readonly BundleTest[] {
  const mistakes: string[] = [];
  const tests = files.flatMap((file) => readFile(file, world, mistakes));
  if (tests.length > testsMax) mistakes.push(`${tests.length} tests; at most ${testsMax} are run`);
  const names = new Set<string>();
  for (const { file, line, name } of tests) {
    const key = `${file}\0${name}`;
    if (names.has(key)) {
      mistakes.push(
        `${file}:${line}: test "${name}": there is another one of this name; rename it`,
      );
    }
    names.add(key);
  }
  if (mistakes.length > 0) {
    throw new HostError('config_invalid', mistakes.slice(0, problemsMax).join('\n'));
  }
  return tests;
}

function readFile(
  { name: file, text }: PolicyFile,
  world: GivenWorld,
  mistakes: string[],
): readonly BundleTest[] {
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (typeof document === 'string') {
    mistakes.push(`${file}: ${document}`);
    return [];
  }
  const place = (path: TestProblem['path']): string => `${file}:${placeOf(document, path, lines)}`;
  const items = toItems(document);
  if (items === undefined) {
    mistakes.push(`${file}:1:1: must be a list of tests, each with name, given and expect`);
    return [];
  }
  return items.map((item, index) => {
    const problems: TestProblem[] = [];
    const section = { value: aMap.is(item) ? item : {}, path: [index], problems };
    if (!aMap.is(item)) problems.push({ path: [index], message: 'must be a map' });
    const { name, ...test } = readTest(section, world);
    for (const { path, message } of problems) {
      const key = keyOf(path.slice(1));
      const about = key === '' ? '' : ` ${key}:`;
      mistakes.push(`${place(path)}: test "${name}":${about} ${message}`);
    }
    const line = Number(placeOf(document, [index], lines).split(':')[0]);
    return { file, line, name, ...test };
  });
}

function readTest(
  section: Section,
  world: GivenWorld,
): Pick<BundleTest, 'name' | 'request' | 'expect'> {
  const keys = ['name', 'given', 'expect'];
  refuseOthers(section, keys);
  const name = take(section, 'name', aText, '');
  if (section.value['name'] === undefined) {
    section.problems.push({ path: section.path, message: 'needs a name' });
  }
  // The keys within are looked at where they are read.
  const given = takeSection(section, 'given', Object.keys(Object(section.value['given'])));
  const expect = takeSection(section, 'expect', Object.keys(Object(section.value['expect'])));
  return { name, request: readGiven(given, world), expect: readExpectation(expect) };
}

/** The document, or what keeps it from being read. */
function parse(text: string, lines: LineCounter): Document | string {
  if (text.length > fileLengthMax) return `longer than ${fileLengthMax} characters; split it`;
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = [...document.errors, ...document.warnings];
    if (error === undefined) return document;
    const { line, col } = lines.linePos(error.pos[0]);
    return `${line}:${col}: ${error.message}`;
  } catch {
    // The parser goes one call deeper for each level.
    return 'nested too deeply';
  }
}

function toItems(document: Document): readonly unknown[] | undefined {
  if (document.contents === null) return [];
  if (!isSeq(document.contents)) return undefined;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return Array.isArray(value) ? value : undefined;
  } catch {
    // Aliases that multiply.
    return undefined;
  }
}

/** Of the value, else of the nearest thing above it that stands in the file. */
function placeOf(document: Document, path: TestProblem['path'], lines: LineCounter): string {
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  const range = rangeOf(node);
  if (range === undefined)
    return path.length === 0 ? '1:1' : placeOf(document, path.slice(0, -1), lines);
  const { line, col } = lines.linePos(range);
  return `${line}:${col}`;
}

function rangeOf(node: unknown): number | undefined {
  if (isScalar(node)) return node.range?.[0];
  const range: unknown = Reflect.get(Object(node), 'range');
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

function keyOf(path: TestProblem['path']): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`,
    )
    .join('');
}
