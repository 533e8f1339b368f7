import { examineRange } from './examine.ts';
import type { Piece } from './spread.ts';

/** A process that examines the seeds that it is asked for, one piece after the other. */
process.on('message', ({ from, count }: Piece) => {
  void examineRange(from, count).then((examined) => process.send?.(examined));
});
