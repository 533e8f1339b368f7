import { HostError, parseJsonText } from '@modelhost/kernel';
import type { ToolDefinition } from '@modelhost/kernel';
import type { PolicyFile } from '../policy-file.ts';
import type { RuleSetSource } from '../rule-set.ts';
import { readTool } from './given-resource.ts';
import type { GivenWorld } from './given.ts';
import { readBundleTests } from './read-tests.ts';
import type { BundleTest } from './read-tests.ts';
import { aMap } from './section.ts';
import type { TestProblem } from './section.ts';

/** What the files of a bundle, or of the project that it is built from, hold. */
export interface BundleContent {
  /** All `.cedar` files. */
  readonly rules: readonly PolicyFile[];
  /** The tools of `tools.json`; none when it is not there. */
  readonly tools: readonly ToolDefinition[];
  readonly tests: readonly BundleTest[];
}

const toolsMax = 10_000;

/**
 * Sorts the files of a bundle: rules (`*.cedar`), `tools.json` (a list of tool definitions) and `tests/*.yaml` or `.json`;
 * any other is left unread. In the bundle of a tenant, that is the tenant of whoever asks in a test. Throws `config_invalid` for tools or tests that cannot be read, with their place and the remedy.
 */
export function readBundleContent(
  files: readonly PolicyFile[],
  scope: RuleSetSource['scope'] = 'platform',
): BundleContent {
  const rules = files.filter(({ name }) => name.endsWith('.cedar'));
  const tools = readTools(files.find(({ name }) => name === 'tools.json'));
  const tests = files.filter(({ name }) => /^tests\/.*\.(?:ya?ml|json)$/.test(name));
  return { rules, tools, tests: readBundleTests(tests, worldFor(tools, scope)) };
}

function worldFor(tools: readonly ToolDefinition[], scope: RuleSetSource['scope']): GivenWorld {
  return { tools, tenant: scope === 'platform' ? 'acme' : scope.tenant };
}

function readTools(file: PolicyFile | undefined): readonly ToolDefinition[] {
  if (file === undefined) return [];
  const list = parse(file);
  if (!Array.isArray(list) || list.length > toolsMax) {
    throw invalid(`tools.json: must be a list of at most ${toolsMax} tool definitions`);
  }
  const problems: TestProblem[] = [];
  const tools = list.map((item: unknown, index) => {
    if (!aMap.is(item)) problems.push({ path: [index], message: 'must be a map' });
    return readTool({ value: aMap.is(item) ? item : {}, path: [index], problems });
  });
  const [problem] = problems;
  if (problem === undefined) return tools;
  const [index, ...rest] = problem.path;
  throw invalid(
    `tools.json: [${index}]${rest.map((part) => `.${part}`).join('')}: ${problem.message}`,
  );
}

function parse({ text }: PolicyFile): unknown {
  try {
    return parseJsonText(text);
  } catch (cause) {
    throw invalid('tools.json: is not JSON', cause);
  }
}

function invalid(message: string, cause?: unknown): HostError {
  return new HostError('config_invalid', message, { cause });
}
