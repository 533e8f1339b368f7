import { buildCommand, buildRouteMap } from '@stricli/core';
import type { RouteMap } from '@stricli/core';
import type { BranchFlags, CreateSessionFlags, ListSessionsFlags } from '../commands/sessions.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { connectionFlags, jsonFlag, pageFlags, readAssignment, readCount } from './flags.ts';

const sessionId = { brief: 'Id of the session', parse: String, placeholder: 'session' } as const;

const createFlags = {
  ...connectionFlags,
  ...jsonFlag,
  title: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'A title for people',
    placeholder: 'text',
  },
  metadata: {
    kind: 'parsed',
    parse: readAssignment,
    optional: true,
    variadic: true,
    brief: 'A label kept with the session; may be given again',
    placeholder: 'key=value',
  },
  requestId: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'Makes it idempotent: the same id gives the same session',
    placeholder: 'id',
  },
} as const;

const create = buildCommand<CreateSessionFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/sessions.ts')).createSession),
  parameters: { flags: createFlags },
  docs: { brief: 'Create a session; `run --session` goes on with it' },
});

const list = buildCommand<ListSessionsFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/sessions.ts')).listSessions),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      all: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Those of everybody in the tenant; needs a role that may read them',
      },
      ...pageFlags,
    },
  },
  docs: { brief: 'List your sessions, the last created first' },
});

const show = buildCommand<ConnectionFlags & JsonFlag, [sessionId: string], CliContext>({
  loader: bind(async () => (await import('../commands/sessions.ts')).showSession),
  parameters: {
    flags: { ...connectionFlags, ...jsonFlag },
    positional: { kind: 'tuple', parameters: [sessionId] },
  },
  docs: { brief: 'Show a session and what was said in it' },
});

const branch = buildCommand<BranchFlags, [sessionId: string], CliContext>({
  loader: bind(async () => (await import('../commands/sessions.ts')).branchSession),
  parameters: {
    flags: {
      ...createFlags,
      turn: {
        kind: 'parsed',
        parse: readCount,
        optional: true,
        brief: 'The last turn that the branch begins with (default: all)',
        placeholder: 'n',
      },
    },
    positional: { kind: 'tuple', parameters: [sessionId] },
  },
  docs: { brief: 'Create a session that begins with the turns of another one' },
});

const exportCommand = buildCommand<ConnectionFlags, [sessionId: string], CliContext>({
  loader: bind(async () => (await import('../commands/sessions.ts')).exportSession),
  parameters: {
    flags: connectionFlags,
    positional: { kind: 'tuple', parameters: [sessionId] },
  },
  docs: { brief: 'Print a session with all its turns as one JSON document' },
});

const deleteCommand = buildCommand<ConnectionFlags, [sessionId: string], CliContext>({
  loader: bind(async () => (await import('../commands/sessions.ts')).deleteSession),
  parameters: {
    flags: connectionFlags,
    positional: { kind: 'tuple', parameters: [sessionId] },
  },
  docs: { brief: 'Delete a session; what its branches begin with stays' },
});

/** `model-host sessions`. */
export const sessionsRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: { create, list, show, branch, export: exportCommand, delete: deleteCommand },
  docs: { brief: 'Conversations that the host keeps' },
});
