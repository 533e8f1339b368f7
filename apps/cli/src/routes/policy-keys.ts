import { buildCommand, buildRouteMap } from '@stricli/core';
import type { FlagParametersForType, RouteMap } from '@stricli/core';
import type {
  CreateKeyFlags,
  ShowKeyFlags,
  ThresholdFlag,
  TrustFlags,
} from '../commands/policy-keys.ts';
import type { CliContext } from '../context.ts';
import type { PassphraseFlag } from '../policy/key-files.ts';
import { bind } from './bind.ts';
import { jsonFlag, readCount } from './flags.ts';

/** For every command that reads or makes a private key. */
export const passphraseFlag: FlagParametersForType<PassphraseFlag, CliContext> = {
  passphraseFile: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'File whose first line is the passphrase of the private keys',
    placeholder: 'file',
  },
};

const create = buildCommand<CreateKeyFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-keys.ts')).createPolicyKey),
  parameters: {
    flags: {
      type: {
        kind: 'enum',
        values: ['ed25519', 'p256'],
        default: 'ed25519',
        brief: 'Kind of the key',
      },
      out: {
        kind: 'parsed',
        parse: String,
        default: '.',
        brief: 'Directory of the two files',
        placeholder: 'directory',
      },
      name: {
        kind: 'parsed',
        parse: readName,
        default: 'policy',
        brief: 'What the files begin with',
        placeholder: 'name',
      },
      ...passphraseFlag,
    },
  },
  docs: { brief: 'Make a key pair that signs bundles and trust roots' },
});

const trust = buildCommand<TrustFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/policy-keys.ts')).createTrust),
  parameters: {
    flags: {
      key: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: true,
        brief:
          'Public key that is trusted, with =root,platform,tenant:NAME for less than all; may be given again',
        placeholder: 'file',
      },
      revoke: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: true,
        brief: 'Key of the root before, by id or file, that never counts again; may be given again',
        placeholder: 'key',
      },
      threshold: {
        kind: 'parsed',
        parse: readThreshold,
        optional: true,
        variadic: true,
        brief:
          'Signatures that are needed: for all, or root=, platform= or tenant=; may be given again',
        placeholder: 'n',
      },
      previous: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The root before: its keys stay, and the new one is its next version',
        placeholder: 'file',
      },
      sign: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        brief: 'Private key that signs the root; may be given again',
        placeholder: 'file',
      },
      days: {
        kind: 'parsed',
        parse: readCount,
        default: '365',
        brief: 'Days that the root counts',
        placeholder: 'n',
      },
      keyDays: {
        kind: 'parsed',
        parse: readCount,
        default: '730',
        brief: 'Days that the keys which are given count',
        placeholder: 'n',
      },
      out: {
        kind: 'parsed',
        parse: String,
        default: 'trust-root.json',
        brief: 'The file to write',
        placeholder: 'file',
      },
      ...passphraseFlag,
    },
  },
  docs: {
    brief: 'Make a trust root, or the next version of one',
    customUsage: [
      '--key ann.pub.pem --sign ann.key.pem',
      '--previous trust-root.json --key bob.pub.pem --revoke ann.pub.pem --sign ann.key.pem --sign bob.key.pem',
    ],
  },
});

const show = buildCommand<ShowKeyFlags, [file: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-keys.ts')).showKey),
  parameters: {
    flags: { ...jsonFlag, ...passphraseFlag },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A key or a trust root', parse: String, placeholder: 'file' }],
    },
  },
  docs: { brief: 'Show the id of a key, or what a trust root says' },
});

/** `model-host policy keys`. */
export const policyKeysRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: { create, trust, show },
  docs: { brief: 'Keys that sign policy, and who is trusted' },
});

/** What may begin the name of a file. */
function readName(text: string): string {
  if (!/^\w[\w.-]{0,63}$/.test(text)) throw new Error('write letters, digits, "_", "-" and "."');
  return text;
}

/** A number for all, or one for what is signed. */
function readThreshold(text: string): ThresholdFlag {
  const [, role, digits = ''] = /^(?:(root|platform|tenant)=)?(\d*)$/.exec(text) ?? [];
  const value = Number(digits);
  if (value < 1 || value > 1_000) {
    throw new Error('write a number such as 2, or root=2, platform=2 or tenant=2');
  }
  return role === undefined ? { root: value, platform: value, tenant: value } : { [role]: value };
}
