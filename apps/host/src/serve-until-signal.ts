import type { RunningHost } from './host.ts';

/** Of a signal, or of a fault that nobody has caught. */
type Listener = (what: unknown) => void;

/** What a process is to the host that runs in it. */
export interface HostProcess {
  on(event: 'SIGTERM' | 'SIGINT' | 'uncaughtException', listener: Listener): unknown;
  off(event: 'SIGTERM' | 'SIGINT' | 'uncaughtException', listener: Listener): unknown;
  exit(code: number): void;
}

const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const;

/**
 * Starts a host and serves until SIGTERM or SIGINT, then drains; a signal during the start is obeyed once there is a host
 * to drain. Gives the exit code: 0, or 1 when runs had to be interrupted because the shutdown timeout was over. A second
 * signal ends the process at once, and its tool servers with it. So does a fault that nobody has caught, with 1, once it is in
 * the log: what a process says of it by itself is not hidden.
 */
export async function serveUntilSignal(
  start: () => Promise<RunningHost>,
  owner: HostProcess,
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const started: { host?: RunningHost } = {};
  let isDraining = false;

  function onSignal(signal: keyof typeof exitCodes): void {
    if (isDraining) {
      // A tool server may ignore the end of its input, and would outlive the host.
      started.host?.abandon();
      owner.exit(exitCodes[signal]);
    }
    isDraining = true;
    resolve();
  }

  function onFault(fault: unknown): void {
    started.host?.fail(fault);
    owner.exit(1);
  }

  const onTerminate = (): void => onSignal('SIGTERM');
  const onInterrupt = (): void => onSignal('SIGINT');
  owner.on('SIGTERM', onTerminate);
  owner.on('SIGINT', onInterrupt);
  try {
    const host = await start();
    started.host = host;
    owner.on('uncaughtException', onFault);
    await promise;
    const { interrupted } = await host.drain();
    return interrupted === 0 ? 0 : 1;
  } finally {
    owner.off('SIGTERM', onTerminate);
    owner.off('SIGINT', onInterrupt);
    owner.off('uncaughtException', onFault);
  }
}
