import { HostError } from '@modelhost/kernel';
import type {
  AnswerReference,
  Confidentiality,
  FieldViolation,
  ToolDefinition,
  ToolEffect,
} from '@modelhost/kernel';
import type { CredentialSpec } from './credentials/credential-spec.ts';

/** How a tool server is reached. */
export type ToolServerTransport =
  | {
      readonly type: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      /** Added to the few variables that every child gets; nothing else of the host's environment is passed on. */
      readonly env: Readonly<Record<string, string>>;
      readonly cwd?: string;
    }
  | {
      readonly type: 'http';
      readonly url: string;
      /** Sent with every request, such as `authorization`. */
      readonly headers: Readonly<Record<string, string>>;
    };

/** A tool server as the operator configured it. Whoever writes one down starts from `toolServerDefaults`. */
export interface ToolServerSpec {
  /** Prefix of its tools: a lower-case letter, then at most 19 of `[a-z0-9-]`; not `client`. */
  readonly alias: string;
  readonly transport: ToolServerTransport;
  /** What goes along with requests over HTTP, and on whose behalf. */
  readonly credential: CredentialSpec;
  /** Who may see it; undefined for every tenant. */
  readonly tenants: readonly string[] | undefined;
  /** `lazy`: connected when somebody first needs it. Until then its catalogue is the one that was pinned last. */
  readonly start: 'eager' | 'lazy';
  /** Its connection is closed after this long without an exchange; 0 for never. */
  readonly idleMs: number;
  /** For starting and negotiating. */
  readonly connectTimeoutMs: number;
  /** For reading the whole catalogue. */
  readonly listTimeoutMs: number;
  /** Longest time of one call, whatever the caller asks for and whatever progress there is. */
  readonly callTimeoutMs: number;
  /** Longest silence within a call: starts again with each progress. */
  readonly progressTimeoutMs: number;
  /** Exchanges that are with the server at a time. */
  readonly callsInFlightMax: number;
  /** Exchanges that wait for their turn; the next one is `overloaded`. */
  readonly queueMax: number;
  /** Resident memory of the process and of all that it started; undefined for no cap. Over stdio only. */
  readonly memoryBytesMax: number | undefined;
  /** Bytes of UTF-8 text that a result may have; more is cut. */
  readonly resultBytesMax: number;
  /** The only tools that are taken from it, by their name at the server; undefined for all. */
  readonly tools: readonly string[] | undefined;
  /** By the tool's name at the server, `*` for the rest; what is not named is irreversible. */
  readonly effects: Readonly<Record<string, ToolEffect>>;
  /** Whether answers may be believed: by the tool's name at the server, `*` for the rest; what is not named is untrusted. */
  readonly integrity: Readonly<Record<string, 'trusted' | 'untrusted'>>;
  /** Arguments that decide what a call does, by the tool's name at the server. */
  readonly decisionArguments: Readonly<Record<string, readonly string[]>>;
  /** Whether the arguments of a call may leave the house, by the tool's name at the server, `*` for the rest. */
  readonly egress: Readonly<Record<string, boolean>>;
  /** How confidential answers are, by the tool's name at the server, `*` for the rest. */
  readonly confidentiality: Readonly<Record<string, Confidentiality>>;
  /** The most confidential that arguments may be, by the tool's name at the server, `*` for the rest. */
  readonly clearance: Readonly<Record<string, Confidentiality>>;
  /** Arguments, whole numbers, of which policy sees sums, by the tool's name at the server. */
  readonly summedArguments: Readonly<Record<string, readonly string[]>>;
  /** By the tool's name at the server and the argument: which field of its answers, that only the server writes, may fill it. */
  readonly references: Readonly<Record<string, Readonly<Record<string, AnswerReference>>>>;
  /** `idempotent`: a call of a tool that is declared `none` or `idempotent` goes out once more after a lost connection. */
  readonly replay: 'never' | 'idempotent';
  /** Whether a tool that was never seen before is offered at once, or held back until somebody approves it. */
  readonly pinning: 'first-use' | 'approve';
  /** What happens to a structured result that does not fit the tool's own output schema. */
  readonly outputSchema: 'warn' | 'deny';
  /** Told to the server when it asks for roots. */
  readonly roots: readonly { readonly uri: string; readonly name: string }[];
  /** Lets its URL, and those of its authorization server, lead to loopback and private addresses; never to link-local ones. */
  readonly allowPrivateNetwork: boolean;
}

/** Everything of a server but its name, its transport and what the operator knows of its tools. */
export const toolServerDefaults: Omit<ToolServerSpec, 'alias' | 'transport' | 'effects'> = {
  credential: { type: 'none' },
  tenants: undefined,
  start: 'eager',
  idleMs: 0,
  connectTimeoutMs: 30_000,
  listTimeoutMs: 30_000,
  callTimeoutMs: 60_000,
  progressTimeoutMs: 60_000,
  callsInFlightMax: 64,
  queueMax: 256,
  memoryBytesMax: undefined,
  resultBytesMax: 65_536,
  tools: undefined,
  integrity: {},
  decisionArguments: {},
  egress: {},
  confidentiality: {},
  clearance: {},
  summedArguments: {},
  references: {},
  replay: 'never',
  pinning: 'first-use',
  outputSchema: 'warn',
  roots: [],
  allowPrivateNetwork: false,
};

/** A line for the log of the host. It may hold what a server wrote; it never goes to a tenant. */
export interface ToolServerLogEntry {
  readonly server: string;
  /** Who wrote it: the server on one of its outputs, or the gateway about the server. */
  readonly source: 'stderr' | 'stdout' | 'gateway';
  readonly message: string;
}

/** Bytes of one message on the wire: a result at its cap fits with its escaping, a picture in it may not. */
export function messageBytesMaxOf(spec: ToolServerSpec): number {
  return Math.max(1_048_576, spec.resultBytesMax * 4);
}

/** What the operator says of a tool: what a call may change, which data it takes and gives. Never what the server says. */
export type ToolManifest = Pick<
  ToolDefinition,
  | 'clearance'
  | 'confidentiality'
  | 'decisionArguments'
  | 'effect'
  | 'egress'
  | 'integrity'
  | 'references'
  | 'summedArguments'
>;

/** What the operator says of the tool; of what was not said the safe side. */
export function manifestOf(spec: ToolServerSpec, serverTool: string): ToolManifest {
  const egress = declared(spec.egress, serverTool);
  const confidentiality = declared(spec.confidentiality, serverTool);
  const clearance = declared(spec.clearance, serverTool);
  const summedArguments = declared(spec.summedArguments, serverTool);
  const references = declared(spec.references, serverTool);
  return {
    effect: declared(spec.effects, serverTool) ?? 'irreversible',
    integrity: declared(spec.integrity, serverTool) ?? 'untrusted',
    decisionArguments: declared(spec.decisionArguments, serverTool) ?? [],
    ...(egress === undefined ? {} : { egress }),
    ...(confidentiality === undefined ? {} : { confidentiality }),
    ...(clearance === undefined ? {} : { clearance }),
    ...(summedArguments === undefined ? {} : { summedArguments }),
    ...(references === undefined ? {} : { references }),
  };
}

/** Whether the tenant may see the server at all. */
export function isVisibleTo(spec: ToolServerSpec, tenant: string): boolean {
  return spec.tenants === undefined || spec.tenants.includes(tenant);
}

/** The entry of a tool, or else the one for the rest. A tool may have any name, so only own members count. */
function declared<T>(entries: Readonly<Record<string, T>>, serverTool: string): T | undefined {
  if (Object.hasOwn(entries, serverTool)) return entries[serverTool];
  return Object.hasOwn(entries, '*') ? entries['*'] : undefined;
}

/** Throws `config_invalid` for aliases that are malformed, reserved or used twice. */
export function checkAliases(servers: readonly ToolServerSpec[]): void {
  const seen = new Set<string>();
  const violations: FieldViolation[] = [];
  for (const [index, { alias }] of servers.entries()) {
    const field = `servers[${index}].alias`;
    if (!/^[a-z][a-z0-9-]{0,19}$/.test(alias)) {
      const description = 'must be a lower-case letter and at most 19 of a-z, 0-9 and "-"';
      violations.push({ field, description });
    } else if (alias === 'client') {
      violations.push({ field, description: 'is reserved for tools of the caller' });
    } else if (seen.has(alias)) {
      violations.push({ field, description: 'is used by another server' });
    }
    seen.add(alias);
  }
  const [first] = violations;
  if (first !== undefined) {
    const message = `tool servers: ${first.field} ${first.description}`;
    throw new HostError('config_invalid', message, { violations });
  }
}
