import { toPrintable } from './text/printable.ts';

/** What the process exits with; scripts may rely on these numbers. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  configInvalid: 3,
  denied: 4,
  notFound: 5,
  limit: 6,
  unavailable: 7,
  interrupted: 130,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command cannot go on: what happened and what to do about it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  /** What to try next; shown in its own line. */
  readonly remedy: string | undefined;

  constructor(exitCode: ExitCode, message: string, remedy?: string) {
    super(message);
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/** A failure as the process reports it. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** Lines for stderr, without a final line feed. */
  readonly text: string;
}

/** Any thrown thing as exit code and text: what happened, where, and the next command. */
export function readFailure(thrown: unknown): Failure {
  if (thrown instanceof CommandError) {
    return failure(thrown.exitCode, thrown.message, [], thrown.remedy);
  }
  if (!(thrown instanceof Error)) return failure(exitCodes.failure, 'unknown failure', []);
  const details = readDetails(thrown);
  const { code, grpcStatus, violations } = details;
  if (code === undefined) return failure(exitCodes.failure, thrown.message, []);
  // Its message has a line for each problem already.
  if (code === 'config_invalid') {
    return failure(exitCodes.configInvalid, thrown.message, [], configRemedy(thrown.message));
  }
  // The message names the first of them, most of the time.
  const fields = violations
    .map(({ field, description }) => `${field}: ${description}`)
    .filter((line) => !thrown.message.includes(line))
    .map((line) => `  ${line}`);
  const remedy = remedyOf(code, details);
  return failure(exitCodeOf(code, grpcStatus), `${code}: ${thrown.message}`, fields, remedy);
}

function remedyOf(code: string, details: Details): string | undefined {
  const { grpcStatus, facts, retryAfterMs, violations } = details;
  if (code === 'validation_failed') return correctionOf(violations);
  const isStorage = code === 'storage_unavailable' && grpcStatus !== undefined;
  const ofCode = isStorage ? storageRemedies[facts?.['reason'] ?? ''] : remedies[code];
  if (ofCode !== undefined) return ofCode;
  if (grpcStatus === 'UNAVAILABLE') return code === 'transport' ? noHostRemedy : hostRemedy;
  return retryAfterMs === undefined ? undefined : `try again in ${retryAfterMs} ms`;
}

/** A field of the contract by the word of the command that it comes from, where that is another one. */
function correctionOf(violations: Details['violations']): string | undefined {
  const found = violations.flatMap(({ field }) => words[field] ?? []);
  return found.length === 0 ? undefined : `correct ${found.join(' and ')}`;
}

/** The exit code for a stable code of the contract; the gRPC status decides where the code is not known. */
export function exitCodeOf(code: string, grpcStatus?: string): ExitCode {
  return byCode[code] ?? byCode[grpcStatus ?? ''] ?? exitCodes.failure;
}

function failure(
  exitCode: ExitCode,
  message: string,
  details: readonly string[],
  remedy?: string,
): Failure {
  const next = remedy === undefined ? [] : [`next: ${remedy}`];
  // The message of a provider or a tool server may be part of it.
  return { exitCode, text: toPrintable([message, ...details, ...next].join('\n')) };
}

const byCode: Readonly<Record<string, ExitCode>> = {
  validation_failed: exitCodes.usage,
  config_invalid: exitCodes.configInvalid,
  unauthenticated: exitCodes.denied,
  permission_denied: exitCodes.denied,
  policy_violation: exitCodes.denied,
  not_found: exitCodes.notFound,
  mcp_tool_not_found: exitCodes.notFound,
  budget_exceeded: exitCodes.limit,
  overloaded: exitCodes.limit,
  deadline_exceeded: exitCodes.limit,
  provider_rate_limited: exitCodes.limit,
  draining: exitCodes.unavailable,
  provider_unavailable: exitCodes.unavailable,
  mcp_connection_failed: exitCodes.unavailable,
  audit_unavailable: exitCodes.unavailable,
  storage_unavailable: exitCodes.unavailable,
  UNAUTHENTICATED: exitCodes.denied,
  PERMISSION_DENIED: exitCodes.denied,
  NOT_FOUND: exitCodes.notFound,
  RESOURCE_EXHAUSTED: exitCodes.limit,
  UNAVAILABLE: exitCodes.unavailable,
};

const remedies: Readonly<Record<string, string>> = {
  unauthenticated:
    'set MODEL_HOST_API_KEY or give --api-key-file; `model-host keys create` makes a key',
  not_found:
    '`model-host agents list`, `runs list`, `sessions list` and `tools status` show what there is',
  draining: 'start the run at another host, or again when this one is back',
  mcp_connection_failed: '`model-host tools status` shows the state of each tool server',
  mcp_tool_not_found:
    '`model-host tools list` shows what there is, `model-host tools pins` what is held back',
  tool_arguments_invalid: '`model-host tools show NAME` shows what the tool takes',
  provider_unavailable: '`model-host health` shows the state of each provider',
};

const words: Readonly<Record<string, string>> = {
  'spec.agent': '<agent>',
  'spec.input[0].text.text': '<task>',
  arguments_json: 'the arguments, such as \'{"path":"a.txt"}\'',
  at_step: '--at',
  content_json: '--content, such as \'{"name":"Ann"}\'',
  model: '--route',
  page_size: '--limit',
  page_token: '--page',
};

const noHostRemedy =
  'start a host with `model-host serve --config FILE`, or name another one with --address';
/** Whoever said so is a host. */
const hostRemedy = '`model-host health` shows what the host lacks, and its log says why';

/** By the reason of `storage_unavailable`, for the storage of a host that lives. */
const storageRemedies: Readonly<Record<string, string>> = {
  disk_full: 'make room where the data directory of the host is; it goes on by itself',
  read_only: 'let the host write its data directory; it goes on by itself',
  corrupt: '`model-host storage verify` names what is damaged; `storage restore` needs a backup',
  fenced: 'another host has taken the data directory over; ask that one',
};

/** What to do depends on where the problem is, and only the message says it. */
function configRemedy(message: string): string {
  if (message.includes(': the host cannot listen here')) {
    return 'choose another one with `--set server.port=…` for gRPC, `--set server.healthPort=…` for health, `--set mcp.port=…` for MCP clients, or `--set server.host=…`';
  }
  const [, rule] = /^((?:(?!: ).){1,512}\.cedar(?::\d+:\d+)?): /.exec(message) ?? [];
  if (rule !== undefined) return `mend the policy file at ${rule}`;
  return '`model-host config schema` describes every key';
}

interface Details {
  readonly code: string | undefined;
  readonly grpcStatus: string | undefined;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  readonly retryAfterMs: number | undefined;
  readonly facts: Readonly<Record<string, string>> | undefined;
}

const nothingKnown: Details = {
  code: undefined,
  grpcStatus: undefined,
  violations: [],
  retryAfterMs: undefined,
  facts: undefined,
};

/** Read by name, because the classes live in packages that only some commands load. */
function readDetails(error: Error): Details {
  const isKnown = error.name === 'HostError' || error.name === 'ModelHostError';
  if (!isKnown) return nothingKnown;
  // Both classes have these fields; HostError has no grpcStatus.
  const { code, grpcStatus, violations, retryAfterMs, facts } = error as Error & Details;
  return { code, grpcStatus, violations, retryAfterMs, facts };
}
