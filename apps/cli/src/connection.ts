import { readFile } from 'node:fs/promises';
import { createModelHostClient, ModelHostError } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import type { CliContext } from './context.ts';
import { formatSpan } from './deadline.ts';
import { CommandError, exitCodes } from './failure.ts';
import { toLine } from './printable.ts';

/** Where the host is, and who calls. */
export interface ConnectionFlags {
  readonly address?: string;
  readonly apiKeyFile?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
}

/** How long a host that is away is waited for. */
export interface WaitFlag {
  /** Milliseconds. */
  readonly wait: number;
}

/** Gives the client to `use` and closes it afterwards, whatever happened. */
export async function withClient(
  context: CliContext,
  flags: ConnectionFlags & Partial<WaitFlag>,
  use: (client: ModelHostClient) => Promise<void>,
): Promise<void> {
  const { environment } = context;
  const address = flags.address ?? environment['MODEL_HOST_ADDRESS'] ?? '127.0.0.1:7443';
  const client = createModelHostClient({
    address,
    apiKey: await readApiKey(flags.apiKeyFile, environment['MODEL_HOST_API_KEY']),
    awayTimeoutMs: flags.wait,
    onWaiting: ({ message }) =>
      context.say(
        `waiting for the host at ${address}, for ${formatSpan(flags.wait ?? 0)} at most: ${toLine(withoutEmptyNote(message), 240)}`,
      ),
    tls: flags.tlsCa === undefined ? flags.tls : { caFile: await readable(flags.tlsCa) },
  });
  try {
    await use(client);
  } catch (thrown) {
    throw isUnreachable(thrown) ? unreachable(address, thrown) : thrown;
  } finally {
    client.close();
  }
}

function isUnreachable(thrown: unknown): thrown is ModelHostError {
  const isOurs = thrown instanceof ModelHostError;
  return isOurs && thrown.code === 'transport' && thrown.grpcStatus === 'UNAVAILABLE';
}

function unreachable(address: string, { message }: ModelHostError): CommandError {
  return new CommandError(
    exitCodes.unavailable,
    `no host answers at ${address}: ${withoutEmptyNote(message)}`,
    'start a host with `model-host serve --config FILE`, or name another one with --address',
  );
}

/** grpc-js ends with the heading of a note also where it has none. */
function withoutEmptyNote(message: string): string {
  return message.trim().replace(/\s*Resolution note:$/, '');
}

async function readApiKey(
  file: string | undefined,
  value: string | undefined,
): Promise<string | undefined> {
  const key = file === undefined ? value : (await readText(file)).trim();
  return key === '' ? undefined : key;
}

async function readable(file: string): Promise<string> {
  await readText(file);
  return file;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new CommandError(exitCodes.usage, `${file}: cannot be read`, 'check path and rights');
  }
}
