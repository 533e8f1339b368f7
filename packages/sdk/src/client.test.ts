import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { InputAction } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import fc from 'fast-check';
import { createModelHostClient } from './client.ts';
import type { ModelHostClient } from './client.ts';
import { ModelHostError } from './error.ts';
import { createProxy, createStandIn, eventOf, statusOf } from './fixtures/stand-in.ts';
import type { Answers, OutStream } from './fixtures/stand-in.ts';

/** Runs `body` with a client of a stand-in that answers so. */
async function withClient(
  answers: Answers,
  body: (client: ModelHostClient, calls: readonly string[]) => Promise<void>,
): Promise<void> {
  await using host = await createStandIn(answers);
  const client = createModelHostClient({ address: `127.0.0.1:${host.port}` });
  try {
    await body(client, host.calls);
  } finally {
    client.close();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<ModelHostError> {
  const thrown: unknown = await promise.then(
    () => assert.fail('the call went well'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof ModelHostError, String(thrown));
  return thrown;
}

async function sequencesOf(events: AsyncIterable<RunEvent>): Promise<readonly number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of events) sequences.push(Number(sequence));
  return sequences;
}

/** Sends a run of `count` events from where the caller stands; `onSent` hears of each. */
function send(
  stream: OutStream,
  count: number,
  onSent: (sequence: number) => void = () => {},
): void {
  for (let at = Number(stream.request.afterSequence) + 1; at <= count; at += 1) {
    stream.write(eventOf(at, at === count));
    onSent(at);
  }
  stream.end();
}

const started = { startRun: () => ({ runId: 'run_1', created: true }) };

test('a run gives its events until the last one, and is not cancelled then', async () => {
  await withClient(
    { unary: started, followRun: (stream) => send(stream, 5) },
    async (client, calls) => {
      assert.deepEqual(await sequencesOf(client.run({ agent: 'writer' })), [1, 2, 3, 4, 5]);
      assert.deepEqual(calls, ['startRun', 'followRun']);
    },
  );
});

test('a run is followed from where the caller stands', async () => {
  await withClient({ followRun: (stream) => send(stream, 5) }, async (client) => {
    const events = client.followRun('run_1', { afterSequence: 3n });
    assert.deepEqual(await sequencesOf(events), [4, 5]);
  });
});

test('wherever connections break, every event comes once and in order', async () => {
  const total = 40;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 300, max: 900 }), { minLength: 1, maxLength: 3 }),
      async (bytesOfConnections) => {
        const starts: number[] = [];
        await using host = await createStandIn({
          followRun: (stream) => {
            starts.push(Number(stream.request.afterSequence));
            send(stream, total);
          },
        });
        await using proxy = await createProxy(host.port, bytesOfConnections);
        const client = createModelHostClient({ address: `127.0.0.1:${proxy.port}` });
        const sequences = await sequencesOf(client.followRun('run_1'));
        client.close();
        assert.deepEqual(
          sequences,
          Array.from({ length: total }, (_none, at) => at + 1),
        );
        assert.ok(proxy.connections() > 1, 'no connection broke');
        assert.deepEqual(
          starts,
          starts.toSorted((one, other) => one - other),
        );
      },
    ),
    { numRuns: 8 },
  );
});

test('a stream that ends before its run does is opened again', async () => {
  let opened = 0;
  const followRun = (stream: OutStream): void => {
    opened += 1;
    if (opened > 1) return send(stream, 3);
    stream.write(eventOf(1));
    stream.end();
  };
  await withClient({ followRun }, async (client) => {
    assert.deepEqual(await sequencesOf(client.followRun('run_1')), [1, 2, 3]);
    assert.equal(opened, 2);
  });
});

for (const [title, sequences] of [
  ['left out', [1, 3]],
  ['repeated', [1, 1]],
  ['out of place', [2]],
] as const) {
  test(`an event that is ${title} is an error and not an event`, async () => {
    const followRun = (stream: OutStream): void => {
      for (const sequence of sequences) stream.write(eventOf(sequence));
    };
    await withClient({ followRun }, async (client) => {
      const error = await failureOf(sequencesOf(client.followRun('run_1')));
      assert.equal(error.code, 'out_of_order');
    });
  });
}

test('what the host says of a stream is not asked for again', async () => {
  const followRun = (stream: OutStream): void => {
    stream.emit('error', statusOf(status.NOT_FOUND, 'there is no run run_1'));
  };
  await withClient({ followRun }, async (client, calls) => {
    const error = await failureOf(sequencesOf(client.followRun('run_1')));
    assert.equal(error.grpcStatus, 'NOT_FOUND');
    assert.equal(error.message, 'there is no run run_1');
    assert.deepEqual(calls, ['followRun']);
  });
});

for (const how of ['leaves', 'aborts'] as const) {
  for (const method of ['run', 'followRun'] as const) {
    const effect = method === 'run' ? 'cancels the run' : 'leaves the run alone';
    test(`a caller that ${how} ${method} ends the stream and ${effect}`, async () => {
      const ended = Promise.withResolvers<void>();
      const followRun = (stream: OutStream): void => {
        stream.on('cancelled', ended.resolve);
        stream.write(eventOf(1));
      };
      await withClient({ unary: started, followRun }, async (client, calls) => {
        const controller = new AbortController();
        const { signal } = controller;
        const events =
          method === 'run' ? client.run({}, { signal }) : client.followRun('run_1', { signal });
        const reason = new Error('enough');
        const reading = (async () => {
          for await (const event of events) {
            assert.equal(event.sequence, 1n);
            if (how === 'leaves') break;
            controller.abort(reason);
          }
        })();
        if (how === 'leaves') await reading;
        else await assert.rejects(reading, reason);
        await ended.promise;
        assert.equal(calls.includes('cancelRun'), method === 'run');
      });
    });
  }
}

test('a signal that is aborted already calls nothing', async () => {
  await withClient({ unary: started }, async (client, calls) => {
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(sequencesOf(client.run({}, { signal })), /enough/);
    assert.deepEqual(calls, []);
  });
});

test('a slow reader keeps at most a few events of a long run in memory', async () => {
  const text = 'x'.repeat(65_536);
  let sent = 0;
  const followRun = (stream: OutStream): void => {
    const more = (): void => {
      while (sent < 400) {
        sent += 1;
        const isLast = sent === 400;
        const event = isLast
          ? { case: 'runFinished', value: {} }
          : { case: 'textDelta', value: { text } };
        if (!stream.write({ event: { sequence: BigInt(sent), event } })) return;
      }
      stream.end();
    };
    stream.on('drain', more);
    more();
  };
  await withClient({ followRun }, async (client) => {
    let aheadMax = 0;
    for await (const { sequence } of client.followRun('run_1')) {
      aheadMax = Math.max(aheadMax, sent - Number(sequence));
    }
    assert.ok(aheadMax < 100, `${aheadMax} events ahead`);
  });
});

test('the key of the caller goes with every call, and no header without one', async () => {
  const seen: unknown[] = [];
  const note = (metadata: Metadata): object => {
    seen.push(metadata.get('authorization')[0]);
    return {};
  };
  const answers: Answers = {
    unary: { listTools: (call) => note(call.metadata) },
    followRun: (stream) => {
      note(stream.metadata);
      send(stream, 1);
    },
  };
  await using host = await createStandIn(answers);
  for (const apiKey of [undefined, 'mh_a_b']) {
    const client = createModelHostClient({ address: `127.0.0.1:${host.port}`, apiKey });
    await client.listTools();
    await sequencesOf(client.followRun('run_1'));
    client.close();
  }
  assert.deepEqual(seen, [undefined, undefined, 'Bearer mh_a_b', 'Bearer mh_a_b']);
});

test('an error without details, or with details that are none, is a transport error', async () => {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
  for (const more of [{}, { metadata }]) {
    const answers: Answers = {
      unary: {
        getStatus: () => {
          throw statusOf(status.UNAVAILABLE, 'a proxy says no', more);
        },
      },
    };
    await withClient(answers, async (client) => {
      const error = await failureOf(client.getStatus());
      assert.equal(error.code, 'transport');
      assert.equal(error.grpcStatus, 'UNAVAILABLE');
      assert.equal(error.message, 'a proxy says no');
    });
  }
});

test('an answer that is not in the contract is an error', async () => {
  await withClient({ unary: { getRun: () => ({}) } }, async (client) => {
    assert.equal((await failureOf(client.getRun('run_1'))).grpcStatus, 'INTERNAL');
  });
});

test('where no host is, a call fails with a transport error', async () => {
  const host = await createStandIn({});
  const address = `127.0.0.1:${host.port}`;
  await host[Symbol.asyncDispose]();
  const client = createModelHostClient({ address });
  const error = await failureOf(client.getStatus());
  client.close();
  assert.equal(error.code, 'transport');
  assert.equal(error.grpcStatus, 'UNAVAILABLE');
});

test('a host that says nothing is not waited for without end', async () => {
  const called = Promise.withResolvers<void>();
  const answers: Answers = {
    unary: {
      getStatus: async (call) => {
        called.resolve();
        await once(call, 'cancelled');
        return {};
      },
    },
  };
  await withClient(answers, async (client) => {
    const answer = failureOf(client.getStatus());
    await called.promise;
    client.close();
    assert.equal((await answer).code, 'transport');
  });
});

test('the time of a call that is no stream is bounded', async () => {
  const cancelled: Promise<unknown>[] = [];
  const answers: Answers = {
    unary: {
      getStatus: async (call) => {
        cancelled.push(once(call, 'cancelled'));
        await cancelled[0];
        return {};
      },
    },
  };
  await using host = await createStandIn(answers);
  const client = createModelHostClient({ address: `127.0.0.1:${host.port}`, timeoutMs: 20 });
  const error = await failureOf(client.getStatus());
  assert.equal(error.grpcStatus, 'DEADLINE_EXCEEDED');
  // On a busy machine its time is over before it has reached the host.
  await Promise.all(cancelled);
  client.close();
});

test('a start whose answer is lost is asked for again under the same id', async () => {
  const ids: string[] = [];
  const answers: Answers = {
    unary: {
      startRun: ({ request }) => {
        ids.push(request.spec?.requestId ?? '');
        if (ids.length === 1) throw statusOf(status.UNAVAILABLE, 'the connection broke');
        return { runId: 'run_1', created: false };
      },
    },
    followRun: (stream) => send(stream, 2),
  };
  await withClient(answers, async (client, calls) => {
    for await (const event of client.run({ agent: 'writer' })) if (event.sequence === 1n) break;
    assert.match(ids[0] ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(ids[1], ids[0]);
    assert.ok(calls.includes('cancelRun'));
  });
});

test('leaving a run that another call has created does not cancel it', async () => {
  const answers: Answers = {
    unary: { startRun: () => ({ runId: 'run_1', created: false }) },
    followRun: (stream) => send(stream, 2),
  };
  await withClient(answers, async (client, calls) => {
    for await (const event of client.run({ requestId: 'mine' })) if (event.sequence === 1n) break;
    assert.ok(!calls.includes('cancelRun'));
  });
});

test('whoever follows after the last event gets none', async () => {
  await withClient({ followRun: (stream) => stream.end() }, async (client, calls) => {
    assert.deepEqual(await sequencesOf(client.followRun('run_1', { afterSequence: 5n })), []);
    assert.deepEqual(calls, ['followRun']);
  });
});

test('tools are looked at, tried and approved, and what they ask for is answered', async () => {
  const answers: Answers = {
    unary: {
      listToolServers: () => ({ servers: [{ alias: 'desk' }] }),
      getTool: () => ({ tool: { name: 'desk__read' } }),
      callTool: () => ({ content: 'a note' }),
      listToolPins: () => ({ pins: [{ tool: 'read' }], sets: [{ setDigest: 's1' }] }),
      approveTools: () => ({ pins: [{ tool: 'read', digest: 'd1' }] }),
      beginToolAuthorization: () => ({ authorizationUrl: 'https://login.example/' }),
      finishToolAuthorization: () => ({}),
      submitInput: () => ({}),
    },
  };
  await using host = await createStandIn(answers);
  const client = createModelHostClient({ address: `127.0.0.1:${host.port}` });
  const [server] = await client.listToolServers();
  assert.equal(server?.alias, 'desk');
  assert.equal((await client.getTool('desk__read')).tool?.name, 'desk__read');
  assert.equal((await client.callTool('desk__read')).content, 'a note');
  assert.equal((await client.listToolPins({ pendingOnly: true })).sets[0]?.setDigest, 's1');
  const [pin] = await client.approveTools({ alias: 'desk', setDigest: 's1' });
  assert.equal(pin?.digest, 'd1');
  assert.equal(await client.beginToolAuthorization('desk'), 'https://login.example/');
  await client.finishToolAuthorization({ state: 'desk.1', code: 'c' });
  await client.submitInput({ runId: 'run_1', inputId: 'inp_1', action: InputAction.DECLINE });
  assert.deepEqual(host.calls, [
    'listToolServers',
    'getTool',
    'callTool',
    'listToolPins',
    'approveTools',
    'beginToolAuthorization',
    'finishToolAuthorization',
    'submitInput',
  ]);
  client.close();
});

test('a key that cannot be sent is refused, and not said', () => {
  for (const apiKey of ['mh_a\nb', 'mh_é']) {
    assert.throws(
      () => createModelHostClient({ address: '127.0.0.1:9', apiKey }),
      (thrown) => thrown instanceof ModelHostError && !thrown.message.includes('mh_'),
    );
  }
});
