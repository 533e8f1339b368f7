import type { Readable, Writable } from 'node:stream';
import { serveFacadeOverStdio } from '@modelhost/mcp-gateway';
import { HostError } from '@modelhost/kernel';
import { createAuthenticate } from '../auth.ts';
import { closeParts, compose } from '../compose.ts';
import type { Parts } from '../compose.ts';
import type { HostConfig } from '../config/read-config.ts';
import { openProtection } from '../redaction/open-protection.ts';
import { openOnData } from '../runs/start-fault.ts';
import { createViews } from './facade.ts';

/** The façade alone, for an MCP host that starts it as a program. */
export interface McpOverStdio {
  /** Fulfilled when the client has gone, everything is answered and every tool server has ended. */
  readonly closed: Promise<void>;
  /** Cancels what is in flight. */
  close(): void;
  /** Kills what was started and waits for nothing. */
  abandon(): void;
}

/** What it is made of. */
export interface McpOverStdioOptions {
  readonly config: HostConfig;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: Readable;
  readonly output: Writable;
  /** Name of the view that is served; `default` when absent. */
  readonly view?: string;
  readonly log?: 'stderr' | 'silent';
}

const connectedWithinMs = 3_000;

/**
 * Serves the tools of a configuration over stdio, under its policy and on record in its data directory; no listener is
 * opened. The caller is the local principal, or the one of the API key in `MODEL_HOST_API_KEY` where keys are configured.
 * Throws `config_invalid`, `unauthenticated`, or `storage_unavailable` where another host has the directory, or it cannot be used.
 */
export async function serveMcpOverStdio(options: McpOverStdioOptions): Promise<McpOverStdio> {
  const { tree, pathOf } = options.config;
  return openOnData(pathOf(tree.server.dataDirectory), async () => openService(options));
}

async function openService(options: McpOverStdioOptions): Promise<McpOverStdio> {
  const { config, version, environment, input, output, view: name = 'default' } = options;
  const { server, mcp, telemetry } = config.tree;
  const given = mcp?.views.find((view) => view.name === name);
  if (given === undefined && (mcp !== undefined || name !== 'default')) {
    throw new HostError('config_invalid', `there is no view ${name} in mcp.views`);
  }
  const view = given ?? { name, naming: 'prefix' as const, search: 'auto' as const };
  const key = environment['MODEL_HOST_API_KEY'];
  const principal = createAuthenticate(server.auth.apiKeys)(
    key === undefined ? undefined : `Bearer ${key}`,
  );
  const level = options.log === 'silent' ? 'silent' : telemetry.logLevel;
  const protection = await openProtection({ config, version, environment, level });
  // Whatever is open when the start fails is closed again: a tool server would keep the process.
  await using opened = new AsyncDisposableStack();
  const parts = await compose({ config, version, environment, protection });
  opened.defer(async () => closeParts(parts));
  await protection.witness.note();
  const { clock, keys, redactor, relay } = parts;
  const core = createViews([view], { relay, keys, redactor, clock, version })[name];
  if (core === undefined) throw new TypeError('the view was just made');
  // Some desktop hosts list the tools once, when they start: what is still connecting would be missing. One that hangs
  // must not keep the others from it.
  await untilConnected(parts);
  const service = serveFacadeOverStdio(core, { input, output, principal });
  const closing = opened.move();
  closing.defer(() => core.close());
  const finish = async (): Promise<void> => {
    await service.closed;
    await closing.disposeAsync();
  };
  return {
    closed: finish(),
    close: () => service.close(),
    abandon: () => parts.tools.kill(),
  };
}

async function untilConnected({ tools, clock }: Parts): Promise<void> {
  const late = Promise.withResolvers<void>();
  const stopTimer = clock.setTimer(connectedWithinMs, late.resolve);
  await Promise.race([tools.connected(), late.promise]);
  stopTimer();
}
