import assert from 'node:assert/strict';
import test from 'node:test';
import { createBulkhead } from '@modelhost/resilience';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { fixtureProcess, serverSpec } from '../fixtures/start-gateway.ts';
import type { ExchangeContext, ExchangeOutcome } from '../relay.ts';
import type { Connection } from './connection.ts';
import { createExchangeSender } from './supervisor-exchange.ts';
import type { ExchangeSenderOptions } from './supervisor-exchange.ts';

const done: ExchangeOutcome = { kind: 'complete', result: {} };
const options = { tool: undefined, isRepeatable: true };

/** A sender over a connection that only counts; each exchange ends when the test says so. */
function start(inFlightMax: number) {
  const open: (() => void)[] = [];
  let sent = 0;
  const connection: Pick<Connection, 'exchange'> = {
    exchange: () => {
      sent += 1;
      const { promise, resolve } = Promise.withResolvers<ExchangeOutcome>();
      open.push(() => resolve(done));
      return promise;
    },
  };
  const line: ReturnType<ExchangeSenderOptions['lines']['of']> = {
    connect: () => assert.fail('it is connected'),
    // The sender uses nothing else of it.
    current: () => connection as Connection,
    parkedAt: () => undefined,
    answered: () => {},
    failed: () => {},
  };
  const clock = createManualClock();
  const send = createExchangeSender({
    spec: serverSpec('fix', fixtureProcess('stdio-server')),
    clock,
    lines: { of: () => line },
    bulkhead: createBulkhead({ ...clock, name: 'fix', inFlightMax, queueMax: 1 }),
  });
  const end = (): void => open.shift()?.();
  const call = (signal = new AbortController().signal): Promise<ExchangeOutcome> => {
    const principal = { tenant: 'acme', subject: 'ann', roles: [] };
    const context: ExchangeContext = {
      principal,
      signal,
      timeoutMs: 1_000,
      capabilities: {},
      meta: {},
    };
    return send({ method: 'tools/call', params: { name: 'a' } }, context, options);
  };
  return { call, end, sent: () => sent };
}

test('what need not wait is sent before the caller goes on, and what has to wait is sent later', async () => {
  const { call, end, sent } = start(1);
  const first = call();
  assert.equal(sent(), 1);
  const second = call();
  assert.equal(sent(), 1);
  end();
  assert.equal(await first, done);
  // The place is handed over.
  while (sent() < 2) await Promise.resolve(); // oxlint-disable-line no-await-in-loop
  end();
  assert.equal(await second, done);
});

test('for somebody who has gone nothing is sent, though there is room', async () => {
  const { call, sent } = start(1);
  await assert.rejects(call(AbortSignal.abort(new Error('enough'))), /enough/);
  assert.equal(sent(), 0);
});
