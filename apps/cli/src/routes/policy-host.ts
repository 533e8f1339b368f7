import { buildCommand, buildRouteMap } from '@stricli/core';
import type { Command, RouteMap } from '@stricli/core';
import type { DecisionsFlags, EraseFlags } from '../commands/policy-decisions.ts';
import type { ExplainFlags } from '../commands/policy-explain.ts';
import type { ReplayFlags } from '../commands/policy-host.ts';
import type { ToolsFlags } from '../commands/policy-tools.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { Since } from '../policy/since.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { connectionFlags, jsonFlag, pageFlags, readSpan } from './flags.ts';

type ReadFlags = ConnectionFlags & JsonFlag;

function text(brief: string, placeholder: string) {
  return { kind: 'parsed', parse: String, optional: true, brief, placeholder } as const;
}

const explain = buildCommand<ExplainFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-explain.ts')).explainDecision),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      decision: text('A decision of the log, by its id', 'id'),
      tool: text('A call of this tool', 'name'),
      arguments: text('With these arguments: a JSON object', 'json'),
      model: text('A use of this model', 'name'),
      action: text('Another action, such as AcceptInput or ReadMemory', 'name'),
      resource: text('What that action is done to', 'name'),
      subject: text('Who asks (default: you; in a project ann of acme)', 'name'),
      role: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: true,
        brief: 'A role of who asks; may be given again',
        placeholder: 'role',
      },
      agent: text('The agent that acts by itself for who asks', 'name'),
      given: text('More facts, as a test has them: labels, evidence, history', 'file'),
      bundle: text('Decide by the rules of this bundle in the place of those in force', 'file'),
      project: text('Ask no host, but the rules of this project', 'directory'),
      test: text('The question of this test of the project', 'name'),
    },
  },
  docs: {
    brief: 'Say what is decided, why, and what would change it',
    customUsage: [
      '--decision 01JDP4…',
      `--tool files__write_file --arguments '{"path":"a.txt"}' --agent reporter`,
      '--project policy --test "what cannot be undone is held"',
    ],
  },
});

const replay = buildCommand<ReplayFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-host.ts')).replay),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      bundle: {
        kind: 'parsed',
        parse: String,
        brief: 'The candidate, signed',
        placeholder: 'file',
      },
      since: {
        kind: 'parsed',
        parse: readSince,
        default: '7d',
        brief: 'Decisions since then: a span such as 90m, 12h, 7d, or a time',
        placeholder: 'span',
      },
    },
  },
  docs: {
    brief: 'Say what a bundle would have decided otherwise, by the decisions on record',
    customUsage: ['--bundle base-2.mhpb.json --since 7d'],
  },
});

const activate = buildCommand<ReadFlags, [file: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-host.ts')).activate),
  parameters: {
    flags: { ...connectionFlags, ...jsonFlag },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'The bundle', parse: String, placeholder: 'file' }],
    },
  },
  docs: { brief: 'Bring a bundle into force, or into the shadow when it says so' },
});

const status = buildCommand<ReadFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-host.ts')).showStatus),
  parameters: { flags: { ...connectionFlags, ...jsonFlag } },
  docs: { brief: 'Show which policy is in force, what is in its shadow, and what is wrong' },
});

const tools = buildCommand<ToolsFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-tools.ts')).snapshotTools),
  parameters: {
    flags: {
      ...connectionFlags,
      into: text('Put them into this tools.json; what else is in it stays', 'file'),
    },
  },
  docs: { brief: 'Print the tools that a host lets you list as the tools.json of a project' },
});

const list = buildCommand<DecisionsFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-decisions.ts')).listDecisions),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      since: {
        kind: 'parsed',
        parse: readSince,
        optional: true,
        brief: 'Only since then: a span such as 90m, 12h, 7d, or a time',
        placeholder: 'span',
      },
      effect: {
        kind: 'enum',
        values: ['allow', 'hold', 'deny'],
        optional: true,
        brief: 'Only with this effect',
      },
      action: text('Only this action, such as CallTool', 'name'),
      resource: text('Only about this tool, model or agent', 'name'),
      rule: text('Only where this rule decided', 'id'),
      ...pageFlags,
    },
  },
  docs: { brief: 'List what was decided, newest first' },
});

const erase = buildCommand<EraseFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-decisions.ts')).eraseDecisions),
  parameters: {
    flags: {
      ...connectionFlags,
      subject: { kind: 'parsed', parse: String, brief: 'About whom', placeholder: 'name' },
      yes: { kind: 'boolean', optional: true, withNegated: false, brief: 'Asks nobody first' },
    },
  },
  docs: { brief: 'Remove every decision about a person from the log, for good' },
});

/** The commands that ask a host. */
export const hostRoutes: Readonly<Record<string, Command<CliContext> | RouteMap<CliContext>>> = {
  explain,
  replay,
  activate,
  status,
  tools,
  decisions: buildRouteMap({
    routes: { list, erase },
    docs: { brief: 'What was decided' },
  }),
};

/** A span such as `7d`, or a time in RFC 3339. */
function readSince(given: string): Since {
  const spanMs = readSpan(given);
  if (spanMs !== undefined) return { type: 'ago', spanMs };
  const timeMs = Date.parse(given);
  if (/^\d{4}-\d\d-\d\d(?:T.{5,30})?$/.test(given) && Number.isFinite(timeMs)) {
    return { type: 'at', timeMs };
  }
  throw new Error('write a span such as 90m, 12h or 7d, or a time such as 2026-12-01T00:00:00Z');
}
