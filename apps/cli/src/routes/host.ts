import { buildCommand, buildRouteMap } from '@stricli/core';
import type { Command, RouteMap } from '@stricli/core';
import type { ConfigFlags } from '../commands/config.ts';
import type { CreateApiKeyFlags } from '../commands/keys.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { configFlags, connectionFlags, jsonFlag } from './flags.ts';

/** `model-host serve`. */
export const serveCommand: Command<CliContext> = buildCommand<ConfigFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/serve.ts')).serve),
  parameters: { flags: configFlags },
  docs: {
    brief: 'Run the host until SIGTERM or SIGINT',
    customUsage: ['--config model-host.yaml', '--config model-host.yaml --set server.port=7444'],
  },
});

/** `model-host health`. */
export const healthCommand: Command<CliContext> = buildCommand<
  ConnectionFlags & JsonFlag,
  [],
  CliContext
>({
  loader: bind(async () => (await import('../commands/health.ts')).showHealth),
  parameters: { flags: { ...connectionFlags, ...jsonFlag } },
  docs: { brief: 'Show how well a host and what it uses work' },
});

/** `model-host audit`. */
export const auditRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    verify: buildCommand<JsonFlag, [file: string], CliContext>({
      loader: bind(async () => (await import('../commands/audit.ts')).verifyAudit),
      parameters: {
        flags: jsonFlag,
        positional: {
          kind: 'tuple',
          parameters: [{ brief: 'The audit file', parse: String, placeholder: 'file' }],
        },
      },
      docs: { brief: 'Check every record of an audit file and the chain between them' },
    }),
  },
  docs: { brief: 'The record of what was decided and done' },
});

/** `model-host keys`. */
export const keysRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    create: buildCommand<CreateApiKeyFlags, [], CliContext>({
      loader: bind(async () => (await import('../commands/keys.ts')).createKey),
      parameters: {
        flags: {
          ...jsonFlag,
          tenant: { kind: 'parsed', parse: readName, brief: 'Tenant of the key' },
          subject: { kind: 'parsed', parse: readSubject, brief: 'Who calls with the key' },
          role: {
            kind: 'parsed',
            parse: readName,
            optional: true,
            variadic: true,
            brief: 'A role of the subject; may be given again',
          },
        },
      },
      docs: {
        brief: 'Make an API key: the key on stdout, once, and the entry for the configuration',
      },
    }),
  },
  docs: { brief: 'API keys' },
});

/** `model-host version`. */
export const versionCommand: Command<CliContext> = buildCommand<JsonFlag, [], CliContext>({
  loader: bind(async () => (await import('../commands/version.ts')).showVersion),
  parameters: { flags: jsonFlag },
  docs: { brief: 'Print the version' },
});

/** What a configuration takes as the name of a tenant or a role. */
function readName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,63}$/.test(text)) return text;
  throw new Error('write 1 to 64 of a-z, 0-9 and "-", beginning with a letter');
}

/** What a configuration takes as a subject. */
function readSubject(text: string): string {
  if (text.length >= 1 && text.length <= 128) return text;
  throw new Error('write 1 to 128 characters');
}
