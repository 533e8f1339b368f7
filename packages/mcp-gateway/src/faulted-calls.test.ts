import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import { serveCounting, wireFaults } from './fixtures/counting-server.ts';
import type { CountingServer } from './fixtures/counting-server.ts';
import { createManualClock } from './fixtures/manual-clock.ts';
import { fixtureProcess, serverSpec, startGateway, until } from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';
import type { ToolServerSpec } from './server-spec.ts';

/** How a call ended: with an answer, or with an error that says whether it went out. */
type Ending = 'answered' | 'failed-sent' | 'failed-unsent';

/** A breaker would spare the server most of the faults that are meant for it. */
const times = { failuresMax: Infinity };
const callTimeoutMs = 200;

/** Tools that must run once, and tools that may run twice, at the same server. */
function specsFor(transport: ToolServerSpec['transport']): readonly ToolServerSpec[] {
  const repeatable = { effects: { '*': 'idempotent' } } as const;
  return [
    serverSpec('once', transport, { callTimeoutMs, replay: 'idempotent' }),
    serverSpec('never', transport, { callTimeoutMs, ...repeatable }),
    serverSpec('again', transport, { callTimeoutMs, ...repeatable, replay: 'idempotent' }),
  ];
}

const timesMax: Readonly<Record<string, number>> = { once: 1, never: 1, again: 2 };

interface FaultedCall {
  readonly id: string;
  readonly alias: string;
  readonly ending: Ending;
}

type Batch = readonly { readonly alias: string; readonly fault: string }[];

interface Faulter {
  readonly calls: readonly FaultedCall[];
  readonly run: (batch: Batch) => Promise<void>;
  /** Calls without a fault until one is answered, as one must be soon. */
  readonly recover: () => Promise<void>;
}

/** A gateway whose time stands still, before a server of which `isDone` knows what it has done. */
async function startFaulter(
  t: TestContext,
  transport: ToolServerSpec['transport'],
  isDone: (id: string, started: StartedGateway) => boolean,
): Promise<Faulter> {
  const clock = createManualClock();
  const started = startGateway(t, specsFor(transport), { times, clock });
  await started.gateway.connected();
  const calls: FaultedCall[] = [];
  const faults = new Map<string, string>();
  let next = 0;

  async function one(alias: string, fault: string): Promise<void> {
    next += 1;
    const id = `${alias}-${next}`;
    faults.set(id, fault);
    try {
      const answer = await started.call(`${alias}__count`, { id, fault });
      assert.equal(answer.content, `counted ${id}`);
      calls.push({ id, alias, ending: 'answered' });
    } catch (cause) {
      if (!(cause instanceof HostError)) throw cause;
      const ending = cause.facts['sent'] === 'true' ? 'failed-sent' : 'failed-unsent';
      calls.push({ id, alias, ending });
    } finally {
      faults.delete(id);
    }
  }

  /** Calls end by themselves but those whose server keeps silent: time passes when only they are left. */
  async function run(batch: Batch): Promise<void> {
    const running = Promise.all(batch.map(({ alias, fault }) => one(alias, fault)));
    const isSilent = ([id, fault]: readonly [string, string]): boolean =>
      fault === 'silent-after' && isDone(id, started);
    await until(() => [...faults].every(isSilent));
    clock.advance(callTimeoutMs);
    await running;
  }

  async function recover(): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await run([{ alias: 'once', fault: 'ok' }]); // oxlint-disable-line no-await-in-loop
      if (calls.at(-1)?.ending === 'answered') return;
    }
    assert.fail('the server is well, and yet no call of it is answered');
  }

  return { calls, run, recover };
}

function checkExecutions(
  calls: readonly FaultedCall[],
  executions: ReadonlyMap<string, number>,
): void {
  for (const { id, alias, ending } of calls) {
    const count = executions.get(id) ?? 0;
    assert.ok(count <= (timesMax[alias] ?? 0), `${id} was done ${count} times`);
    if (ending === 'answered') assert.ok(count >= 1, `${id} was answered, but never done`);
    if (ending === 'failed-unsent')
      assert.equal(count, 0, `${id} was done, but not said to be sent`);
  }
}

function batches(faults: readonly string[]): fc.Arbitrary<Batch> {
  const faulted = fc.record({
    alias: fc.constantFrom('once', 'never', 'again'),
    fault: fc.oneof(
      { weight: 2, arbitrary: fc.constant('ok') },
      { weight: 1, arbitrary: fc.constantFrom(...faults) },
    ),
  });
  return fc.array(faulted, { minLength: 30, maxLength: 30 });
}

async function startOverHttp(
  t: TestContext,
  era: 'modern' | 'legacy',
): Promise<Faulter & { readonly server: CountingServer }> {
  const server = await serveCounting(era);
  t.after(() => server.close());
  const transport = { type: 'http', url: server.url, headers: {} } as const;
  return { ...(await startFaulter(t, transport, (id) => server.executions.has(id))), server };
}

for (const era of ['modern', 'legacy'] as const) {
  test(`${era} HTTP: of 450 calls whose connections break, none is done twice that may not be`, async (t) => {
    const { server, calls, run, recover } = await startOverHttp(t, era);
    const property = fc.asyncProperty(
      batches(wireFaults),
      fc.boolean(),
      async (batch, isRestarted) => {
        const running = run(batch);
        if (isRestarted) server.restart();
        await running;
      },
    );
    await fc.assert(property, { numRuns: 15, endOnFailure: true });
    assert.equal(calls.length, 450);
    checkExecutions(calls, server.executions);
    assert.ok(calls.some(({ ending }) => ending === 'answered'));
    await recover();
  });
}

test('what may be done twice is sent once more after a lost connection, and nothing else is', async (t) => {
  for (const era of ['modern', 'legacy'] as const) {
    // One era after the other.
    const { server, run } = await startOverHttp(t, era); // oxlint-disable-line no-await-in-loop
    const aliases = ['once', 'never', 'again'];
    await run(aliases.map((alias) => ({ alias, fault: 'cut-after' }))); // oxlint-disable-line no-await-in-loop
    assert.deepEqual(
      ['once-1', 'never-2', 'again-3'].map((id) => server.executions.get(id)),
      [1, 1, 2],
    );
  }
});

test('stdio: of 120 calls whose processes die, none is done twice that may not be', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'calls-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'done');
  await writeFile(file, '');
  const transport = fixtureProcess('counting-process', file);
  const { calls, run, recover } = await startFaulter(t, transport, (id, { entries }) =>
    entries.some(({ message }) => message === `silent ${id}`),
  );
  const faults = ['ok', 'ok', 'die-before', 'die-after', 'silent-after'];
  await fc.assert(fc.asyncProperty(batches(faults), run), { numRuns: 4, endOnFailure: true });
  assert.equal(calls.length, 120);
  const executions = new Map<string, number>();
  for (const id of (await readFile(file, 'utf8')).split('\n')) {
    executions.set(id, (executions.get(id) ?? 0) + 1);
  }
  checkExecutions(calls, executions);
  await recover();
});
