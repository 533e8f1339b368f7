import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { examineRange, joinExamined } from './examine.ts';
import type { Examined } from './examine.ts';

/** Seeds that a process takes at once. Part of the trace, so that it is the same however many processes there are. */
const seedsPerPiece = 100;

const workerPath = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Seeds that follow on each other, as a worker is asked for them. */
export interface Piece {
  readonly from: number;
  readonly count: number;
}

/** Examines seeds in as many processes as there are processors; a few seeds in this one. */
export async function examineSpread(from: number, count: number): Promise<Examined> {
  const pieces = Array.from({ length: Math.ceil(count / seedsPerPiece) }, (_, index) => ({
    from: from + index * seedsPerPiece,
    count: Math.min(seedsPerPiece, count - index * seedsPerPiece),
  }));
  const workers = Math.min(availableParallelism(), pieces.length);
  if (workers < 2) {
    const examined: Examined[] = [];
    for (const piece of pieces) examined.push(await examineRange(piece.from, piece.count));
    return joinExamined(examined);
  }
  const examined: Examined[] = [];
  let next = 0;

  async function work(): Promise<void> {
    const worker = fork(workerPath);
    for (;;) {
      const index = next;
      next += 1;
      const piece = pieces[index];
      if (piece === undefined) break;
      examined[index] = await ask(worker, piece);
    }
    worker.disconnect();
  }

  await Promise.all(Array.from({ length: workers }, work));
  return joinExamined(examined);
}

async function ask(worker: ChildProcess, piece: Piece): Promise<Examined> {
  const answered = Promise.withResolvers<Examined>();
  const onExit = (): void =>
    answered.reject(new Error(`a worker ended in the seeds from ${piece.from} on`));
  // The worker sends what `examineRange` gave.
  worker.once('message', (answer) => answered.resolve(answer as unknown as Examined));
  worker.once('exit', onExit);
  worker.send(piece);
  return answered.promise.finally(() => worker.off('exit', onExit));
}
