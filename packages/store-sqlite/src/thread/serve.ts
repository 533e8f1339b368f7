import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { toStorageFault } from '../fault.ts';
import { pack, refuse, unpackCalls } from './messages.ts';
import type { Answer, Call } from './messages.ts';

/** Answers the calls to this thread: `answer` gets at most `callsMax` of those that wait, and says what became of the first few. */
export function serveCalls(
  answer: (calls: readonly Call[]) => readonly Answer[],
  options: { readonly callsMax: number; readonly afterAnswers: () => void },
): void {
  if (parentPort === null) return;
  const port = parentPort;
  const queue: Call[] = [];

  /** Also what arrived while the last calls were worked on. */
  function takeWaiting(): void {
    while (queue.length < options.callsMax) {
      const waiting: { message: ArrayBuffer } | undefined = receiveMessageOnPort(port);
      if (waiting === undefined) return;
      queue.push(...unpackCalls(waiting.message));
    }
  }

  port.on('message', (message: ArrayBuffer) => {
    queue.push(...unpackCalls(message));
    while (queue.length > 0) {
      takeWaiting();
      const answers = answer(queue.slice(0, options.callsMax));
      queue.splice(0, answers.length);
      const packed = pack(answers);
      port.postMessage(packed, [packed]);
      options.afterAnswers();
    }
  });
}

/** The answer to a call that is done by itself. */
export function answerAlone(call: Call, perform: (call: Call) => unknown): Answer {
  try {
    return { number: call.number, result: perform(call) };
  } catch (thrown) {
    return refuse(call, toStorageFault(thrown));
  }
}
