import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { HostConfig } from '../config/read-config.ts';
import { makeDirectory, writeHostConfig } from '../fixtures/started-host.ts';
import { serveMcpOverStdio } from './serve-over-stdio.ts';
import type { McpOverStdio } from './serve-over-stdio.ts';

async function serve(config: HostConfig): Promise<McpOverStdio> {
  const streams = { input: new PassThrough(), output: new PassThrough() };
  return serveMcpOverStdio({ config, version: '1', environment: {}, ...streams, log: 'silent' });
}

test('tools are not served from a data directory that another host has, and it is named', async (t) => {
  const config = writeHostConfig(makeDirectory(t), { isOpen: true });
  const first = await serve(config);
  await assert.rejects(serve(config), {
    code: 'storage_unavailable',
    message: /\/data: another host uses this data directory; stop it/,
  });
  first.close();
  await first.closed;
});

test('a start that fails late closes what it has opened, so that the process can end', async (t) => {
  const directory = makeDirectory(t);
  const config = writeHostConfig(directory, { isOpen: true });
  // In the way of the note on what is there, which is the last step.
  const inTheWay = join(directory, 'data', 'store.json.new');
  mkdirSync(inTheWay, { recursive: true });
  await assert.rejects(serve(config), /store\.json\.new/);
  rmdirSync(inTheWay);
  const service = await serve(config);
  service.close();
  await service.closed;
});
