import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStrictJson } from './strict-json.ts';

const bounds = { bytesMax: 4_194_304, depthMax: 64 };

function microsecondsPer(runs: number, work: () => void): number {
  const from = process.cpuUsage();
  for (let run = 0; run < runs; run += 1) work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / runs;
}

test('reading a message of 300 bytes strictly costs a few microseconds', (context) => {
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
  for (const work of [strict, plain]) microsecondsPer(50_000, work);
  const best = (work: () => void): number =>
    Math.min(...Array.from({ length: 5 }, () => microsecondsPer(50_000, work)));
  const times = { strict: best(strict), plain: best(plain) };
  context.diagnostic(`strict ${times.strict} µs, JSON.parse ${times.plain} µs`);
  assert.ok(times.strict < 6 && times.strict < 4 * times.plain);
});

test('abuse A12: no text of 4 MB takes much longer than another', () => {
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
    const microseconds = microsecondsPer(1, () => void readStrictJson(bytes, bounds));
    assert.ok(microseconds < 1_000_000, `${text.slice(0, 12)}: ${microseconds} µs`);
  }
});
