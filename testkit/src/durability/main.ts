import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { killAtEveryWrite } from './every-write.ts';
import { killAtRandom } from './random-kills.ts';

const { values: options } = parseArgs({
  options: {
    stride: { type: 'string', default: '1' },
    points: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '200' },
    runs: { type: 'string', default: '64' },
    seed: { type: 'string', default: '1' },
  },
});

await main();

/** Kills real hosts and prints what became of their runs; fails at the first run that is not what it was. */
async function main(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const owner = { after: (end: () => Promise<void>): void => void ends.push(end) };
  try {
    await print('every write', async () =>
      killAtEveryWrite(owner, {
        stride: readCount('--stride', options.stride),
        pointsMax: readCount('--points', options.points),
      }),
    );
    await print('random kills', async () =>
      killAtRandom(owner, {
        kills: readCount('--kills', options.kills, 0),
        runsInFlight: readCount('--runs', options.runs),
        seed: options.seed,
      }),
    );
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function print(name: string, prove: () => Promise<object>): Promise<void> {
  const startedMs = performance.now();
  const came = await prove();
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(JSON.stringify({ name, ...came, seconds }));
}
