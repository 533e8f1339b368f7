/** The thread that owns the file of the log, so that no disk holds up whoever decides. */
import { parentPort } from 'node:worker_threads';
import { HostError, toErrorData } from '@modelhost/kernel';
import type { FileAnswer, FileRequest, LogFile, RowQuery } from './log-file.ts';
import { openLogFile } from './open-log-file.ts';
import type { ThreadMessage, ThreadReply } from './file-client.ts';

let file: LogFile | undefined;
const emptyQuery: RowQuery = {
  filter: {},
  order: 'oldest',
  after: undefined,
  idMax: undefined,
  rowsMax: 0,
};
const nothing: FileAnswer = { entries: 0, lastId: 0, removed: 0, rows: [], counted: 0 };

function answer(request: FileRequest): FileAnswer {
  switch (request.kind) {
    case 'open':
      file = openLogFile(request.path);
      return file.answer({ kind: 'read', query: emptyQuery });
    case 'close':
      file?.close();
      file = undefined;
      return nothing;
    case 'insert':
    case 'trim':
    case 'read':
    case 'erase':
    case 'count':
      return file?.answer(request) ?? nothing;
  }
}

function reply({ number, request }: ThreadMessage): ThreadReply {
  try {
    return { number, answer: answer(request) };
  } catch (thrown) {
    const cause = thrown instanceof HostError ? thrown.cause : thrown;
    const detail = cause instanceof Error ? cause.message : '';
    return { number, fault: { ...toErrorData(thrown), detail } };
  }
}

parentPort?.on('message', (message: ThreadMessage) => {
  parentPort?.postMessage(reply(message)); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread has no origin
});
