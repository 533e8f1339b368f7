import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWithin, bestOf, cpuMsOf, withSlack } from '@modelhost/timing';
import { readStrictJson } from './strict-json.ts';

const bounds = { bytesMax: 4_194_304, depthMax: 64 };

const ci = process.env['CI'];
const runs = 50_000;

function microsecondsOf(work: () => void): number {
  const ms = cpuMsOf(() => {
    for (let run = 0; run < runs; run += 1) work();
  });
  return (ms * 1_000) / runs;
}

test('reading a message of 300 bytes strictly costs a few microseconds', (t) => {
  const message = {
    jsonrpc: '2.0',
    id: 17,
    method: 'tools/call',
    params: {
      name: 'files__read_text_file',
      arguments: { path: '/some/directory/file.txt', head: 10 },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1' },
      },
    },
  };
  const bytes = Buffer.from(JSON.stringify(message));
  const strict = (): void => void readStrictJson(bytes, bounds);
  const plain = (): void => void JSON.parse(bytes.toString());
  const figures = { strict: [] as number[], plain: [] as number[] };
  // The first round is the compiler's.
  for (let round = 0; round < 6; round += 1) {
    for (const [name, work] of [
      ['strict', strict],
      ['plain', plain],
    ] as const) {
      const micros = microsecondsOf(work);
      if (round > 0) figures[name].push(micros);
    }
  }
  const [ours, floor] = [bestOf(figures.strict, 'us'), bestOf(figures.plain, 'us')];
  t.diagnostic(`strict: ${ours.text}`);
  t.diagnostic(`JSON.parse: ${floor.text}`);
  assert.ok(ours.best < withSlack(6, ci), ours.text);
  assert.ok(ours.best < 4 * floor.best, `${ours.text}, against ${floor.text}`);
});

test('abuse A12: no text of 4 MB takes much longer than another', async (t) => {
  const size = 4_000_000;
  const texts = [
    `{"a":"${'\\\\'.repeat(size / 2)}"}`,
    `{"a":"${'\\"'.repeat(size / 2)}"}`,
    `{"a":[${'{},'.repeat(size / 3)}1]}`,
    `{${Array.from({ length: size / 12 }, (_, at) => `"${at}":1`).join(',')}}`,
    `{"a":"${':'.repeat(size)}"}`,
  ];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    t.diagnostic(text.slice(0, 12));
    await assertWithin(t, withSlack(1_000, ci), () =>
      cpuMsOf(() => void readStrictJson(bytes, bounds)),
    );
  }
});
