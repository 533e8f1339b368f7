import { buildCommand, buildRouteMap } from '@stricli/core';
import type { RouteMap } from '@stricli/core';
import type { AuthorizeFlags } from '../commands/authorize.ts';
import type { ApproveToolsFlags, PinsFlags } from '../commands/pins.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { connectionFlags, jsonFlag } from './flags.ts';

type ReadFlags = ConnectionFlags & JsonFlag;

const readFlags = { ...connectionFlags, ...jsonFlag };
const tool = {
  brief: 'Name of the tool, as `tools list` names it',
  parse: String,
  placeholder: 'tool',
} as const;
const server = { brief: 'Alias of the tool server', parse: String, placeholder: 'server' } as const;

const list = buildCommand<ReadFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/tools.ts')).listTools),
  parameters: { flags: readFlags },
  docs: { brief: 'List the tools that may be called' },
});

const status = buildCommand<ReadFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/tools.ts')).showServers),
  parameters: { flags: readFlags },
  docs: { brief: 'Show how each tool server is doing' },
});

const show = buildCommand<ReadFlags, [name: string], CliContext>({
  loader: bind(async () => (await import('../commands/tools.ts')).showTool),
  parameters: { flags: readFlags, positional: { kind: 'tuple', parameters: [tool] } },
  docs: { brief: 'Show a tool: what it does, its arguments, and where its definition stands' },
});

const call = buildCommand<ReadFlags, [name: string, argumentsJson?: string], CliContext>({
  loader: bind(async () => (await import('../commands/tools.ts')).callTool),
  parameters: {
    flags: readFlags,
    positional: {
      kind: 'tuple',
      parameters: [
        tool,
        {
          brief: 'Arguments: a JSON object',
          parse: String,
          placeholder: 'json',
          optional: true,
        },
      ],
    },
  },
  docs: {
    brief: 'Call a tool to try it, under policy and on record',
    customUsage: [`files__read_text_file '{"path":"notes.txt"}'`],
  },
});

const pins = buildCommand<PinsFlags, [alias?: string], CliContext>({
  loader: bind(async () => (await import('../commands/pins.ts')).listPins),
  parameters: {
    flags: {
      ...readFlags,
      pending: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Only what is held back, with the differences',
      },
    },
    positional: { kind: 'tuple', parameters: [{ ...server, optional: true }] },
  },
  docs: { brief: 'Show which definitions of tools are approved, changed or new' },
});

const approve = buildCommand<ApproveToolsFlags, [alias: string, ...names: string[]], CliContext>({
  loader: bind(async () => (await import('../commands/pins.ts')).approveTools),
  parameters: {
    flags: {
      ...readFlags,
      yes: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Approves without asking',
      },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'Alias of the tool server, then the tools (default: all that are held back)',
        parse: String,
        placeholder: 'server tool',
      },
    },
  },
  docs: {
    brief: 'Show what is held back of a tool server, and approve exactly that',
    customUsage: ['files', 'files read_text_file', 'files --yes'],
  },
});

const authorize = buildCommand<AuthorizeFlags, [alias: string], CliContext>({
  loader: bind(async () => (await import('../commands/authorize.ts')).authorizeServer),
  parameters: {
    flags: {
      ...readFlags,
      callback: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Address that the browser ended at, instead of asking for it',
        placeholder: 'url',
      },
    },
    positional: { kind: 'tuple', parameters: [server] },
  },
  docs: {
    brief: 'Let the host act for you at a tool server that every user authorizes it for',
    customUsage: ['tickets', "tickets --callback 'https://host.example/callback?state=…&code=…'"],
  },
});

/** `model-host tools`. */
export const toolsRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: { list, show, call, status, pins, approve, authorize },
  docs: { brief: 'Tools that agents may call' },
});
