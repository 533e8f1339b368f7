import { setMaxListeners } from 'node:events';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { restartHost, startHost } from '../end-to-end/start-host.ts';
import type { HostProcess, HostSetup, Owner } from '../end-to-end/start-host.ts';
import { toolsReady } from '../end-to-end/tools-ready.ts';

/** One process of a host, and a client of it. */
export interface Life {
  readonly host: HostProcess;
  readonly client: ModelHostClient;
  /** Aborts when the process has ended. */
  readonly ended: AbortSignal;
}

/** A host that is started again on the same directory whenever its process ends. */
export interface Lives {
  /** The process that is there, or the next one. Rejects once a process does not start. */
  current(): Promise<Life>;
  /** How many processes were started so far. */
  count(): number;
  kill(): void;
  /** Starts no other process, and ends the one that is there. */
  close(): Promise<void>;
}

/** `execArgv` gives what Node is started with each time. */
export function startLives(
  owner: Owner,
  setup: HostSetup,
  options: { readonly alias: string; readonly execArgv: () => readonly string[] },
): Lives {
  let last: HostProcess | undefined;
  let isClosed = false;
  let count = 0;
  let current = begin();

  async function begin(): Promise<Life> {
    count += 1;
    const execArgv = options.execArgv();
    const host = await (last === undefined
      ? startHost(owner, setup, execArgv)
      : restartHost(owner, last, execArgv));
    last = host;
    const client = createModelHostClient({ address: host.grpcAddress });
    const ended = new AbortController();
    // Every run that is followed listens.
    setMaxListeners(0, ended.signal);
    void host.exited.then(() => {
      if (!isClosed) {
        current = begin();
        // Whoever asks for it hears of it.
        current.catch(() => {});
      }
      ended.abort();
      client.close();
    });
    await toolsReady(client, options.alias);
    return { host, client, ended: ended.signal };
  }

  return {
    current: () => current,
    count: () => count,
    kill: () => void current.then(({ host }) => host.send('SIGKILL')).catch(() => {}),
    close: async () => {
      isClosed = true;
      const { host } = await current;
      host.send('SIGKILL');
      await host.exited;
    },
  };
}
