import type { MessageInitShape } from '@bufbuild/protobuf';
import { ToolService } from '@modelhost/contracts';
import type {
  ApproveToolsRequestSchema,
  CallToolResponse,
  GetToolResponse,
  ListToolPinsResponse,
  ListToolsResponse,
  ToolPin,
  ToolServer,
} from '@modelhost/contracts';
import { callUnary } from './method.ts';
import type { Caller } from './method.ts';

export interface ListToolPinsOptions {
  /** Only of this server. */
  readonly alias?: string;
  /** Only what is held back. */
  readonly pendingOnly?: boolean;
}

/** What is approved: some tools by their digests, or all of a server by the digest of their set. */
export type ToolApprovals = MessageInitShape<typeof ApproveToolsRequestSchema>;

/** Parameters of the address that a browser was sent back to by an authorization server. */
export interface ToolAuthorizationCallback {
  readonly state: string;
  readonly code: string;
  readonly iss?: string;
}

/** Tools that agents may call, and the servers that have them. */
export interface ToolMethods {
  listTools(): Promise<ListToolsResponse>;
  listToolServers(): Promise<readonly ToolServer[]>;
  getTool(name: string): Promise<GetToolResponse>;
  /** Calls a tool outside any run, to try it. It is never sent twice. */
  callTool(name: string, argumentsJson?: string): Promise<CallToolResponse>;
  listToolPins(options?: ListToolPinsOptions): Promise<ListToolPinsResponse>;
  /** Gives what was approved, as it is then. */
  approveTools(approvals: ToolApprovals): Promise<readonly ToolPin[]>;
  /**
   * Gives the URL that the caller has to open in a browser before the host may act for them at a tool server; undefined
   * when it may.
   */
  beginToolAuthorization(alias: string): Promise<string | undefined>;
  /** Goes on with what the browser was sent back with. */
  finishToolAuthorization(callback: ToolAuthorizationCallback): Promise<void>;
}

/** The methods of tools over one connection. */
export function createToolMethods(caller: Caller): ToolMethods {
  const { method } = ToolService;
  return {
    listTools: async () => callUnary(caller, method.listTools, {}),
    listToolServers: async () => (await callUnary(caller, method.listToolServers, {})).servers,
    getTool: async (name) => callUnary(caller, method.getTool, { name }),
    callTool: async (name, argumentsJson = '') =>
      callUnary(caller, method.callTool, { name, argumentsJson }),
    listToolPins: async (options = {}) => callUnary(caller, method.listToolPins, options),
    approveTools: async (approvals) =>
      (await callUnary(caller, method.approveTools, approvals)).pins,
    beginToolAuthorization: async (alias) => {
      const begun = await callUnary(caller, method.beginToolAuthorization, { alias });
      return begun.authorizationUrl === '' ? undefined : begun.authorizationUrl;
    },
    finishToolAuthorization: async (callback) => {
      await callUnary(caller, method.finishToolAuthorization, callback);
    },
  };
}
