import type { FlagParametersForType } from '@stricli/core';
import type { ConfigFlags } from '../commands/config.ts';
import type { ConnectionFlags, WaitFlag } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { PageFlags } from '../text/next-page.ts';
import type { JsonFlag } from '../text/output.ts';
import type { ApprovalMode } from '../watching/approver.ts';

/** For every command that calls a host. */
export const connectionFlags: FlagParametersForType<ConnectionFlags, CliContext> = {
  address: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'Address of the host (MODEL_HOST_ADDRESS; default 127.0.0.1:7443)',
    placeholder: 'host:port',
  },
  apiKeyFile: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'File with the API key (or the key itself in MODEL_HOST_API_KEY)',
    placeholder: 'file',
  },
  tls: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: "TLS with the system's roots",
  },
  tlsCa: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'TLS with the roots of this PEM file',
    placeholder: 'file',
  },
};

/** For every command that follows runs. */
export const waitFlag: FlagParametersForType<WaitFlag, CliContext> = {
  wait: {
    kind: 'parsed',
    parse: readWait,
    default: '5m',
    brief: 'Waits so long for a host that goes away; 0s does not wait',
    placeholder: 'span',
  },
};

/** For every command that starts a run. */
export const requestIdFlag: FlagParametersForType<{ readonly requestId?: string }, CliContext> = {
  requestId: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'Makes the start idempotent: the same id gives the same run',
    placeholder: 'id',
  },
};

/** For every command that shows the events of runs. */
export const verboseFlag: FlagParametersForType<{ readonly verbose?: boolean }, CliContext> = {
  verbose: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'Show allowances and reasoning as well',
  },
};

/** For every command that reads. */
export const jsonFlag: FlagParametersForType<JsonFlag, CliContext> = {
  json: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'Print JSON',
  },
};

/** For every command that lists page by page. */
export const pageFlags: FlagParametersForType<PageFlags, CliContext> = {
  limit: {
    kind: 'parsed',
    parse: readCount,
    optional: true,
    brief: 'At most so many, up to 200 (default 50)',
    placeholder: 'n',
  },
  page: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: 'Token of the page, as the page before names it',
    placeholder: 'token',
  },
};

/** For every command that reads a configuration. */
export const configFlags: FlagParametersForType<ConfigFlags, CliContext> = {
  config: {
    kind: 'parsed',
    parse: String,
    default: 'model-host.yaml',
    brief: 'The configuration',
    placeholder: 'file',
  },
  set: {
    kind: 'parsed',
    parse: readAssignment,
    optional: true,
    variadic: true,
    brief: 'Overrides a value of the configuration; may be given again',
    placeholder: 'key=value',
  },
};

/** For every command that plays a run. */
export const approvalValues: readonly ApprovalMode[] = ['ask', 'yes', 'no'];

/** `key=value` as it stands, refused without a key or without `=`. */
export function readAssignment(text: string): string {
  if (text.indexOf('=') < 1) throw new Error('write key=value');
  return text;
}

/** A whole number of at least 1. */
export function readCount(text: string): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < 1) throw new Error('write a whole number of at least 1');
  return value;
}

const unitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a span such as `90s`, `5m`, `12h` or `7d`; undefined for what is none. */
export function readSpan(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (unitsMs[unit] ?? 0);
}

function readWait(text: string): number {
  const waitMs = readSpan(text);
  if (waitMs === undefined) throw new Error('write a span such as 90s, 5m or 12h');
  return waitMs;
}

/** A sequence number: a whole number of at least 0. */
export function readSequence(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new Error('write a whole number of at least 0');
  return BigInt(text);
}

/** US dollars as millionths; at most six decimal places, since more would be lost. */
export function readMicroUsd(text: string): bigint {
  const match = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) throw new Error('write dollars such as 0.50, with at most 6 decimal places');
  return BigInt(match[1] ?? '0') * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'));
}
