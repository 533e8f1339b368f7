import { createModelHostClient, ModelHostError } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import type { CliContext } from './context.ts';
import { CommandError, exitCodes } from './failure.ts';
import { readNamedFile } from './named-files.ts';
import { toLine } from './text/printable.ts';
import { formatSpan } from './text/times.ts';

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
  const address = readAddress(flags.address, environment['MODEL_HOST_ADDRESS']);
  const client = createModelHostClient({
    address,
    apiKey: await readApiKey(flags.apiKeyFile, environment['MODEL_HOST_API_KEY']),
    awayTimeoutMs: flags.wait,
    onWaiting: ({ message }) =>
      context.say(
        `waiting for the host at ${address}, for ${formatSpan(flags.wait ?? 0)} at most: ${toLine(withoutEmptyNote(message), 240)}`,
      ),
    tls: flags.tlsCa === undefined ? flags.tls : { caFile: await checkRoots(flags.tlsCa) },
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
    `no host answers at ${address}: ${toLine(withoutEmptyNote(message), 400)}`,
    // What OpenSSL says of an answer that is no TLS.
    message.includes('wrong version number')
      ? 'what listens there speaks no TLS: leave out --tls and --tls-ca, or name another host with --address'
      : 'start a host with `model-host serve --config FILE`, or name another one with --address',
  );
}

/** grpc-js ends with the heading of a note also where it has none. */
function withoutEmptyNote(message: string): string {
  return message.trim().replace(/\s*Resolution note:$/, '');
}

function readAddress(flag: string | undefined, variable: string | undefined): string {
  const address = flag ?? variable ?? '127.0.0.1:7443';
  if (!/^(?:https?:|\s*$)/i.test(address)) return address;
  throw new CommandError(
    exitCodes.usage,
    `${flag === undefined ? 'MODEL_HOST_ADDRESS' : '--address'}: ${JSON.stringify(address)}: must be host:port`,
    'write it such as 127.0.0.1:7443, with --tls where the host speaks TLS',
  );
}

async function readApiKey(
  file: string | undefined,
  value: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return value === '' ? undefined : value;
  const key = (await readNamedFile(file)).toString().trim();
  if (key !== '') return key;
  throw new CommandError(
    exitCodes.usage,
    `${file}: has no API key in it`,
    'write one there; `model-host keys create` makes a key',
  );
}

/** Whoever reads the file later would not say which one has nothing in it. */
async function checkRoots(file: string): Promise<string> {
  if ((await readNamedFile(file)).includes('-----BEGIN CERTIFICATE-----')) return file;
  throw new CommandError(
    exitCodes.usage,
    `${file}: has no certificate in PEM`,
    'name the file with the roots that the certificate of the host goes back to',
  );
}
