import { serveUntilSignal, startHost } from '@modelhost/host';
import type { RunningHost } from '@modelhost/host';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { readVersion } from '../version.ts';
import { readConfig } from './config.ts';
import type { ConfigFlags } from './config.ts';

/** Runs the host until it is told to stop. */
export async function serve(context: CliContext, flags: ConfigFlags): Promise<void> {
  const config = readConfig(context, flags);
  const start = async (): Promise<RunningHost> => {
    const host = await startHost({
      config,
      version: readVersion(),
      environment: context.environment,
      log: 'stderr',
    });
    const { grpcAddress, healthAddress, mcpAddress } = host;
    const facade = mcpAddress === undefined ? '' : `, MCP on http://${mcpAddress}/mcp`;
    context.say(`model-host serves on ${grpcAddress}, health on ${healthAddress}${facade}`);
    return host;
  };
  const exitCode = await serveUntilSignal(start, context.hostProcess);
  context.exitWith(exitCode === 0 ? exitCodes.ok : exitCodes.failure);
}
