import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { assertWithin, withSlack } from '@modelhost/timing';
import { createFakeRelay } from './fixtures/fake-relay.ts';
import { openFacade } from './fixtures/open-facade.ts';

const bounds = { headersTimeoutMs: 300, requestTimeoutMs: 600, keepAliveTimeoutMs: 300 };
const head =
  'POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer acme.ann\r\n' +
  'Accept: */*\r\nContent-Type: application/json\r\n';

/** Sends the bytes one by one, and says how long the listener bore it. */
async function drip(port: number, text: string): Promise<number> {
  const socket: Socket = connect(port, '127.0.0.1');
  const start = performance.now();
  let at = 0;
  const timer = setInterval(() => {
    socket.write(text[at % text.length] ?? '');
    at += 1;
  }, 20);
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'close');
  clearInterval(timer);
  return performance.now() - start;
}

test('abuse A20: clients that send a byte now and then are cut', async (t) => {
  const facade = await openFacade(createFakeRelay({}), { bounds });
  const port = Number(new URL(facade.url).port);
  try {
    await assertWithin(t, withSlack(3_000, process.env['CI']), async () => {
      const times = await Promise.all([
        drip(port, head.replaceAll('\r\n', '\r\nX: y\r\n')),
        drip(port, `${head}Content-Length: 100000\r\n\r\n`),
      ]);
      return Math.max(...times);
    });
  } finally {
    await facade.close();
  }
});
