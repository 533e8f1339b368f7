import type { JsonSchemas, ToolServerStatus } from '@modelhost/kernel';
import { createCatalogue, emptyCatalogue } from './catalogue.ts';
import type { Catalogue, ListedTool } from './catalogue.ts';
import type { Connection } from './connection.ts';
import { createConnector } from './connector.ts';
import type { Connector, ConnectorOptions } from './connector.ts';
import { createToolCaller } from './tool-caller.ts';
import type { ToolCaller } from './tool-caller.ts';

/** One tool server behind the gateway: its last catalogue, and the way to call it. */
export interface ToolServer extends ToolCaller {
  /** The catalogue that was read last; it stays when the connection is lost. */
  catalogue(): Catalogue;
  connect(): Promise<unknown>;
  /** Starts an attempt in the background if the server failed and the last attempt is at least 5 s ago. */
  revive(): void;
  status(): ToolServerStatus;
  close(): Promise<void>;
}

/** What a tool server is made of. */
export interface ToolServerOptions extends Omit<
  ConnectorOptions,
  'onConnected' | 'onToolsChanged'
> {
  readonly schemas: JsonSchemas;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly onCatalogueChanged: () => void;
}

const revivePauseMs = 5_000;

/** Nothing is started before `connect`. */
export function createToolServer(options: ToolServerOptions): ToolServer {
  const { spec, log, now } = options;
  const { alias } = spec;
  let catalogue = emptyCatalogue;
  let attemptedAt = -Infinity;
  const refresh = createCoalescer(readCatalogue);
  const connector: Connector = createConnector({
    ...options,
    onConnected: setCatalogue,
    onToolsChanged: refresh,
  });

  const caller = createToolCaller({
    spec,
    connect,
    giveUp: (connection, error) => connector.giveUp(connection, error),
    toolOf: (name) => catalogue.get(name),
  });

  function setCatalogue(tools: readonly ListedTool[]): void {
    catalogue = createCatalogue(spec, tools, options);
    options.onCatalogueChanged();
  }

  async function readCatalogue(): Promise<void> {
    try {
      const connection = await connector.connect();
      setCatalogue(await connection.listTools());
    } catch (cause) {
      log('gateway', `the catalogue stays as it was: ${String(cause)}`);
    }
  }

  async function connect(): Promise<Connection> {
    if (connector.state() === 'failed') attemptedAt = now();
    return await connector.connect();
  }

  function revive(): void {
    if (connector.state() !== 'failed' || now() - attemptedAt < revivePauseMs) return;
    // The state of the server tells how it went.
    connect().catch(() => {});
  }

  function status(): ToolServerStatus {
    const state = connector.state();
    const error = state === 'failed' ? connector.error()?.message : undefined;
    return { alias, state, toolCount: catalogue.size, error };
  }

  return {
    catalogue: () => catalogue,
    connect,
    revive,
    call: caller.call,
    status,
    close: () => connector.close(),
  };
}

/** Runs `work` once per request, but requests that come while it runs share one more run. */
function createCoalescer(work: () => Promise<void>): () => void {
  let isRunning = false;
  let isWanted = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      // The runs are meant to follow each other.
      await work(); // oxlint-disable-line no-await-in-loop
    }
    isRunning = false;
  }

  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}
