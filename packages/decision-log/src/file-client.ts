import { Worker } from 'node:worker_threads';
import { HostError } from '@modelhost/kernel';
import type { ErrorData } from '@modelhost/kernel';
import { logBounds } from './bounds.ts';
import type { FileAnswer, FileRequest } from './log-file.ts';

/** What goes to the thread. */
export interface ThreadMessage {
  readonly number: number;
  readonly request: FileRequest;
}

/** What comes back, in the order of the messages. */
export type ThreadReply =
  | { readonly number: number; readonly answer: FileAnswer }
  | { readonly number: number; readonly fault: ErrorData & { readonly detail: string } };

/** The way to the thread that owns the file. */
export interface FileClient {
  /** Entries on file, and the id of the last that was ever written, as of the last answer. */
  state(): Pick<FileAnswer, 'entries' | 'lastId'>;
  /** One after another, in the order asked. Rejects with what the file says, or `internal` when the thread is gone. */
  ask(request: FileRequest): Promise<FileAnswer>;
  /** Closes the file and ends the thread. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: FileAnswer) => void;
  readonly reject: (fault: HostError) => void;
}

/** Opens the file in a thread of its own, which keeps the process alive only while it is asked something. */
export async function openFileThread(path: string): Promise<FileClient> {
  const client = startThread();
  try {
    await client.ask({ kind: 'open', path });
    return client;
  } catch (thrown) {
    await client.close();
    throw thrown;
  }
}

function startThread(): FileClient {
  const worker = new Worker(new URL('./file-thread.ts', import.meta.url), {
    // Flags of the process do not concern it; its variables say where compiled code is kept.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: logBounds.workerHeapMb },
  });
  worker.unref();
  const waiting = new Map<number, Waiting>();
  let sent = 0;
  let gone: HostError | undefined;
  let state = { entries: 0, lastId: 0 };

  function settle(number: number): Waiting | undefined {
    const one = waiting.get(number);
    waiting.delete(number);
    if (waiting.size === 0) worker.unref();
    return one;
  }

  function end(cause: unknown): void {
    gone ??= new HostError(
      'internal',
      'the thread of the decision log ended; restart the host, and see its log for the cause',
      { cause },
    );
    for (const number of waiting.keys()) settle(number)?.reject(gone);
  }

  worker.on('message', (reply: ThreadReply) => {
    const one = settle(reply.number);
    if ('answer' in reply) {
      const { entries, lastId } = reply.answer;
      state = { entries, lastId };
      one?.resolve(reply.answer);
    } else {
      const { code, message, facts, detail } = reply.fault;
      one?.reject(new HostError(code, message, { cause: new Error(detail), facts }));
    }
  });
  worker.on('error', end);
  worker.on('exit', (code) => end(new Error(`exit code ${code}`)));

  async function ask(request: FileRequest): Promise<FileAnswer> {
    if (gone !== undefined) throw gone;
    sent += 1;
    const message: ThreadMessage = { number: sent, request };
    return new Promise((resolve, reject) => {
      waiting.set(message.number, { resolve, reject });
      worker.ref();
      worker.postMessage(message); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread has no origin
    });
  }

  return {
    state: () => state,
    ask,
    close: async () => {
      if (gone === undefined) await ask({ kind: 'close' });
      gone ??= new HostError('failed_precondition', 'the decision log is closed');
      await worker.terminate();
    },
  };
}
