import { buildCommand } from '@stricli/core';
import type { Command, RouteMap } from '@stricli/core';
import type { ExportFlags, SignFlags, VerifyFlags } from '../commands/policy-bundles.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { jsonFlag, readCount } from './flags.ts';
import { passphraseFlag, policyKeysRoutes } from './policy-keys.ts';

const bundleFile = { brief: 'The bundle', parse: String, placeholder: 'file' } as const;

const sign = buildCommand<SignFlags, [file: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-bundles.ts')).signFile),
  parameters: {
    flags: {
      key: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        brief: 'Private key that signs; may be given again',
        placeholder: 'file',
      },
      ...passphraseFlag,
      out: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The file to write (default: name.mhpb.json; for what is signed already, the same)',
        placeholder: 'file',
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'What was built, a bundle or a trust root', parse: String, placeholder: 'file' },
      ],
    },
  },
  docs: { brief: 'Sign a bundle or a trust root; signatures of others stay' },
});

const verify = buildCommand<VerifyFlags, [file: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-bundles.ts')).verifyFile),
  parameters: {
    flags: {
      ...jsonFlag,
      trustRoot: {
        kind: 'parsed',
        parse: String,
        brief: 'Whose signatures count',
        placeholder: 'file',
      },
      revisionAtLeast: {
        kind: 'parsed',
        parse: readCount,
        optional: true,
        brief: 'The revision that is in force: an older one is refused',
        placeholder: 'n',
      },
    },
    positional: { kind: 'tuple', parameters: [bundleFile] },
  },
  docs: {
    brief:
      'Check the signatures and the manifest of a bundle; rules and tests are checked by lint and test, and by the host',
  },
});

const exportCommand = buildCommand<ExportFlags, [file: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-bundles.ts')).exportFile),
  parameters: {
    flags: {
      out: {
        kind: 'parsed',
        parse: String,
        default: '.',
        brief: 'Directory of the files',
        placeholder: 'directory',
      },
    },
    positional: { kind: 'tuple', parameters: [bundleFile] },
  },
  docs: { brief: 'Write a Sigstore bundle for each signature, for the tools of Sigstore' },
});

const diff = buildCommand<JsonFlag, [before: string, after: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-diff.ts')).diffPolicies),
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'A bundle or a project', parse: String, placeholder: 'before' },
        { brief: 'A bundle or a project', parse: String, placeholder: 'after' },
      ],
    },
  },
  docs: { brief: 'Show what changes between two bundles or projects' },
});

/** The commands about bundles and keys. */
export const bundleRoutes: Readonly<Record<string, Command<CliContext> | RouteMap<CliContext>>> = {
  keys: policyKeysRoutes,
  sign,
  verify,
  export: exportCommand,
  diff,
};
