import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { signalGroup } from './processes.ts';

/** A call that `buf curl` makes: a client that is not ours, and knows only what reflection tells it. */
export interface BufCall {
  /** Resolves with the first message, past or future, that this holds for; rejects when the call ends without. */
  message(holds: (message: JsonMessage) => boolean): Promise<JsonMessage>;
  /** Resolves when the call has ended. */
  readonly ended: Promise<BufResult>;
  kill(): void;
}

/** A message as protobuf's JSON. */
export type JsonMessage = Readonly<Record<string, unknown>>;

/** What came of a call. */
export interface BufResult {
  readonly code: number | null;
  readonly messages: readonly JsonMessage[];
  readonly stdout: string;
  readonly stderr: string;
}

const buf = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));

/** Calls a method, `package.Service/Method`; an address without one is for `--list-services` and the like. */
export function bufCurl(
  t: TestContext,
  target: { readonly address: string; readonly method?: string; readonly data?: object },
  flags: readonly string[] = [],
): BufCall {
  const { address, method = '', data } = target;
  const url = `http://${address}/${method}`;
  const body = data === undefined ? [] : ['--data', JSON.stringify(data)];
  const child = spawn(buf, ['curl', '--protocol', 'grpc', ...flags, ...body, url], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));

  function kill(): void {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  }

  async function end(): Promise<BufResult> {
    await once(child, 'close');
    return { code: child.exitCode, messages: readMessages(output.stdout), ...output };
  }

  const ended = end();
  t.after(async () => {
    kill();
    await ended;
  });

  async function message(holds: (message: JsonMessage) => boolean): Promise<JsonMessage> {
    const found = Promise.withResolvers<JsonMessage>();
    function look(): void {
      const fitting = readMessages(output.stdout).find(holds);
      if (fitting !== undefined) found.resolve(fitting);
    }
    waiting.add(look);
    look();
    void ended.then(({ stdout, stderr }) =>
      found.reject(new Error(`buf curl ended without the message:\n${stdout}${stderr}`)),
    );
    return await found.promise.finally(() => waiting.delete(look));
  }

  return { message, ended, kill };
}

/** The messages of an output so far: each begins and ends with a bracket at the start of a line. */
function readMessages(stdout: string): readonly JsonMessage[] {
  const documents = stdout.match(/^(?:\{\}|\{$[^]*?^\})$/gm) ?? [];
  // Each is one JSON object, by the pattern.
  return documents.map((document) => JSON.parse(document) as JsonMessage);
}
