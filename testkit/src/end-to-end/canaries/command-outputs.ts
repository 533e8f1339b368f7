import { execFile } from 'node:child_process';
import { commandPath } from '../start-host.ts';
import type { CanaryWorld } from './canary-world.ts';
import type { Output } from './search.ts';

/** What the command line shows of runs and calls that fail. */
export async function askByCommand({ host, text }: CanaryWorld): Promise<readonly Output[]> {
  const address = ['--address', host.grpcAddress];
  const values = JSON.stringify({ text: text('direct-argument') });
  return Promise.all([
    command(['run', ...address, 'worker', `Task: fail. ${text('prompt')}`]),
    command(['tools', 'call', ...address, 'tools__refuse', values]),
  ]);
}

async function command(args: readonly string[]): Promise<Output> {
  const { promise, resolve } = Promise.withResolvers<Output>();
  const name = `model-host ${args[0]}`;
  // The calls fail, and so does the command: what it says is what counts.
  execFile(process.execPath, [commandPath, ...args], (_failure, stdout, stderr) => {
    resolve({ name, bytes: Buffer.from(stdout + stderr) });
  });
  return promise;
}
