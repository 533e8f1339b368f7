import { serveMcpOverStdio } from '@modelhost/host';
import type { McpOverStdio } from '@modelhost/host';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { readVersion } from '../version.ts';
import { readConfig } from './config.ts';
import type { ConfigFlags } from './config.ts';

/** What `mcp serve` is told. */
export interface McpServeFlags extends ConfigFlags {
  readonly view?: string;
}

/** Serves the tools of a configuration on stdin and stdout until the client leaves or a signal comes. */
export async function serveMcp(context: CliContext, flags: McpServeFlags): Promise<void> {
  const { hostProcess, streams, environment } = context;
  const config = readConfig(context, flags);
  const started: { service?: McpOverStdio } = {};
  let isStopping = false;

  function stop(): void {
    if (isStopping) {
      // A tool server may ignore the end of its input, and would outlive this process.
      started.service?.abandon();
      hostProcess.exit(exitCodes.interrupted);
    }
    isStopping = true;
    started.service?.close();
  }

  hostProcess.on('SIGTERM', stop);
  hostProcess.on('SIGINT', stop);
  try {
    const { view } = flags;
    const service = await serveMcpOverStdio({
      config,
      version: readVersion(),
      environment,
      ...streams,
      ...(view === undefined ? {} : { view }),
      log: 'stderr',
    });
    started.service = service;
    if (isStopping) service.close();
    await service.closed;
  } finally {
    // The client may stay, and an input that is still read would keep the process.
    streams.input.destroy();
    hostProcess.off('SIGTERM', stop);
    hostProcess.off('SIGINT', stop);
  }
}
