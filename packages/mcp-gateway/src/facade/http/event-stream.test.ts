import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { createEventLog } from './event-log.ts';
import { createEventStream, readEventId } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';

const bounds = {
  eventsKeptMax: 8,
  bytesKeptMax: 100_000,
  bytesUnreadMax: 100_000,
  retryMs: 500,
};

function createStream(): EventStream {
  return createEventStream({ id: 's1', bounds, now: () => 0, headers: {}, isPrimed: true });
}

interface Connected {
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** A response that is being sent to a socket, which a test may read or not. */
async function connectClient(context: TestContext): Promise<Connected> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listener on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  context.after(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  // What a server emits for a request.
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { response, socket };
}

suite('a stream of events', () => {
  test('abuse A20: a reader that stalls is cut, and memory does not grow meanwhile', async (context) => {
    const { response, socket } = await connectClient(context);
    socket.pause();
    const stream = createStream();
    stream.attach(response);
    const message = {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { data: 'x'.repeat(50_000) },
    };
    let unreadMax = 0;
    let sent = 0;
    while (stream.since().isAttached) {
      assert.ok(sent < 2_000, 'it is never cut');
      stream.send(message);
      sent += 1;
      unreadMax = Math.max(unreadMax, response.writableLength);
      // The kernel takes what it can before the next one.
      await setImmediate();
    }
    assert.ok(response.destroyed);
    assert.ok(unreadMax <= bounds.bytesUnreadMax + 2 * 51_000, `${unreadMax} bytes were kept`);
    for (let more = 0; more < 100; more += 1) stream.send(message);
    assert.ok(stream.bytesKept() <= bounds.bytesKeptMax, `${stream.bytesKept()} bytes are kept`);
  });

  test('one event that is larger than all bounds is still delivered to who reads', async (context) => {
    const { response, socket } = await connectClient(context);
    const stream = createStream();
    stream.attach(response);
    stream.send({ data: 'y'.repeat(3 * bounds.bytesUnreadMax) });
    stream.end();
    assert.ok((await text(socket)).includes('y'.repeat(1_000)));
  });

  test('who comes back late hears how much is lost, and gets the rest', async (context) => {
    const stream = createStream();
    for (let at = 1; at <= 20; at += 1) stream.send({ at });
    stream.end();
    const { response, socket } = await connectClient(context);
    stream.attach(response, 5);
    const got = await text(socket);
    assert.ok(got.includes(': 7 events are no longer kept\n'), got);
    assert.deepEqual(
      got.match(/"at":\d+/g)?.map((found) => Number(found.slice(5))),
      [13, 14, 15, 16, 17, 18, 19, 20],
    );
  });

  test('an attached response that goes away leaves the stream to be taken up again', async (context) => {
    const { response, socket } = await connectClient(context);
    const stream = createStream();
    stream.attach(response);
    stream.send({ at: 1 });
    socket.destroy();
    await once(response, 'close');
    assert.equal(stream.since().isAttached, false);
    stream.send({ at: 2 });
    stream.ping();
    stream.end();
    stream.end();
    stream.send({ at: 3 });
    const next = await connectClient(context);
    stream.attach(next.response);
    const got = await text(next.socket);
    assert.deepEqual(got.match(/"at":\d/g), ['"at":2']);
  });

  test('ids of events are read back, and nothing else is one', () => {
    assert.deepEqual(readEventId('r12:34'), { stream: 'r12', event: 34 });
    for (const wrong of [
      '',
      'r12',
      'r12:',
      ':3',
      'r12:-1',
      'r12:3x',
      'R:1',
      `r:${'9'.repeat(20)}`,
    ]) {
      assert.equal(readEventId(wrong), undefined, wrong);
    }
  });

  test('no order of events makes a log grow beyond its bounds or lose the newest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 60 }), { maxLength: 60 }),
        fc.nat({ max: 60 }),
        (sizes, from) => {
          const log = createEventLog({ eventsKeptMax: 5, bytesKeptMax: 100 });
          for (const size of sizes) log.add(() => 'x'.repeat(size));
          const kept = log.after(0);
          assert.ok(kept.length <= 5);
          assert.ok(log.bytes() <= 100 || kept.length === 1);
          assert.equal(
            log.bytes(),
            kept.reduce((sum, { text: part }) => sum + part.length, 0),
          );
          assert.equal(kept.at(-1)?.event ?? 0, sizes.length);
          const after = log.after(from);
          assert.equal(log.lostAfter(from) + after.length, Math.max(0, sizes.length - from));
        },
      ),
    );
  });
});
