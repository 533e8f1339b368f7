import { test } from 'node:test';
import { assertWithin, cpuMsOf, withSlack } from '@modelhost/timing';
import { createOutside } from './outside.ts';

const prose =
  'The minutes of the last meeting are attached, and so is what was left open. Nobody has to answer before the end of the week; '.repeat(
    40,
  );
const deltas = Array.from({ length: prose.length / 4 }, (_, at) => prose.slice(at * 4, at * 4 + 4));
const rounds = Math.ceil(100_000 / deltas.length);

test('looking for secrets costs a delta of four characters less than 2 microseconds', async (t) => {
  const { redactor } = createOutside({ turns: [], always: { secrets: 'token' } }).ports;
  const session = redactor.open({ tenant: 'acme', sessionId: 'run_1' });
  const boundMs = withSlack((rounds * deltas.length * 2) / 1_000, process.env['CI']);
  await assertWithin(t, boundMs, () =>
    cpuMsOf(() => {
      for (let round = 0; round < rounds; round += 1) {
        const stream = session.step().stream({});
        for (const delta of deltas) stream.push(delta);
        stream.end();
      }
    }),
  );
});
