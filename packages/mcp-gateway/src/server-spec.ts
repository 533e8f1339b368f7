import { HostError } from '@modelhost/kernel';
import type { FieldViolation, ToolEffect } from '@modelhost/kernel';

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

/** A tool server as the operator configured it. */
export interface ToolServerSpec {
  /** Prefix of its tools: a lower-case letter, then at most 19 of `[a-z0-9-]`; not `client`. */
  readonly alias: string;
  readonly transport: ToolServerTransport;
  /** For starting, negotiating and the first reading of the catalogue together. */
  readonly connectTimeoutMs: number;
  /** Longest time of one call, whatever the caller asks for. */
  readonly callTimeoutMs: number;
  /** Bytes of UTF-8 text that a result may have; more is cut. */
  readonly resultBytesMax: number;
  /** By the tool's name at the server, `*` for the rest; what is not named is irreversible. */
  readonly effects: Readonly<Record<string, ToolEffect>>;
}

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

/** What the operator says the tool may change. */
export function effectOf(spec: ToolServerSpec, serverTool: string): ToolEffect {
  const { effects } = spec;
  if (Object.hasOwn(effects, serverTool)) return effects[serverTool] ?? 'irreversible';
  return Object.hasOwn(effects, '*') ? (effects['*'] ?? 'irreversible') : 'irreversible';
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
