import { setTimeout as delay } from 'node:timers/promises';
import { ToolServerState } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';

/** Resolves when these tool servers are connected: a run sees the tools that are there when it starts. */
export async function toolsReady(
  client: ModelHostClient,
  ...aliases: readonly string[]
): Promise<void> {
  while (!(await areReady(client, aliases))) {
    // A client can only ask.
    await delay(20); // oxlint-disable-line no-await-in-loop
  }
}

async function areReady(client: ModelHostClient, aliases: readonly string[]): Promise<boolean> {
  const { servers } = await client.listTools();
  const ready = servers.filter(({ state }) => state === ToolServerState.READY);
  return aliases.every((wanted) => ready.some(({ alias }) => alias === wanted));
}
