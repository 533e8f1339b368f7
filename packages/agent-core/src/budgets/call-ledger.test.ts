import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { noObligations } from '@modelhost/kernel';
import type { Decision, ToolDefinition } from '@modelhost/kernel';
import fc from 'fast-check';
import { createCallLedger } from './call-ledger.ts';
import type { CallLedger, LedgerCall, PrincipalPast } from './call-ledger.ts';

const basis = { reasons: [], obligations: noObligations, policyDigest: 'd', bundles: [] };
const allow: Decision = { ...basis, effect: 'allow' };
const deny: Decision = { ...basis, effect: 'deny' };
const hourMs = 3_600_000;

function toolOf(name: string): ToolDefinition {
  return {
    name,
    description: '',
    inputSchema: {},
    effect: 'irreversible',
    integrity: 'trusted',
    decisionArguments: [],
    server: 'bank',
    serverTool: name,
    executor: 'host',
  };
}

function callOf(changes: Partial<LedgerCall> & { readonly subject?: string } = {}): LedgerCall {
  const { subject = 'ann', ...others } = changes;
  const principal = { tenant: 'acme', subject, roles: [] };
  return { principal, tool: toolOf('pay'), amounts: {}, nowMs: 0, ...others };
}

/** What the ledger tells of the past, without counting the question. */
async function look(ledger: CallLedger, call: LedgerCall): Promise<PrincipalPast> {
  const { promise, resolve } = Promise.withResolvers<PrincipalPast>();
  await ledger.decide(call, async (past) => {
    resolve(past);
    return deny;
  });
  return promise;
}

async function days(ledger: CallLedger, subject: string): Promise<number> {
  return (await look(ledger, callOf({ subject }))).callsLastDay;
}

/** Lets other work go on for some turns of the queue of promises. */
async function dawdle(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

suite('the ledger of calls', () => {
  test('under a rule of fewer than n, exactly n of any parallel calls are allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(6), { minLength: 1, maxLength: 12 }),
        fc.nat(8),
        async (turnsOf, n) => {
          const ledger = createCallLedger();
          const decisions = await Promise.all(
            turnsOf.map(async (turns) => {
              await dawdle(turns % 3);
              return ledger.decide(callOf(), async ({ callsLastHour, callsLastDay }) => {
                assert.equal(callsLastHour, callsLastDay);
                await dawdle(turns);
                return callsLastHour < n ? allow : deny;
              });
            }),
          );
          const allowed = decisions.filter(({ effect }) => effect === 'allow').length;
          assert.equal(allowed, Math.min(n, turnsOf.length));
          const after = await look(ledger, callOf());
          assert.equal(after.callsLastHour, allowed);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('sums are those of a sequence in the order of coming, whatever is denied', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(50), fc.nat(4)), { maxLength: 12 }),
        fc.nat(120),
        async (calls, max) => {
          const ledger = createCallLedger();
          const decisions = await Promise.all(
            calls.map(async ([amount, turns]) =>
              ledger.decide(callOf({ amounts: { amount } }), async ({ sums }) => {
                await dawdle(turns);
                return (sums['amount'] ?? Infinity) <= max ? allow : deny;
              }),
            ),
          );
          let sum = 0;
          const expected = calls.map(([amount]) => {
            if (sum + amount > max) return 'deny';
            sum += amount;
            return 'allow';
          });
          assert.deepEqual(
            decisions.map(({ effect }) => effect),
            expected,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a decision that throws costs nothing and lets the next one go on', async () => {
    const ledger = createCallLedger();
    const fault = new Error('no policy');
    const [broken, next] = await Promise.allSettled([
      ledger.decide(callOf(), () => Promise.reject(fault)),
      ledger.decide(callOf(), async () => allow),
    ]);
    assert.deepEqual([broken, next.status], [{ status: 'rejected', reason: fault }, 'fulfilled']);
    assert.equal((await look(ledger, callOf())).callsLastDay, 1);
  });

  test('other people and other tools are other accounts, and nobody waits for them', async () => {
    const ledger = createCallLedger();
    const gate = Promise.withResolvers<Decision>();
    const held = ledger.decide(callOf(), async () => gate.promise);
    for (const other of [callOf({ subject: 'bob' }), callOf({ tool: toolOf('read') })]) {
      assert.equal((await look(ledger, other)).callsLastDay, 0);
    }
    gate.resolve(allow);
    await held;
  });

  test('an hour and a day are over after themselves and at most one part of them', async () => {
    const ledger = createCallLedger();
    const amounts = { amount: 7 };
    await ledger.decide(callOf({ amounts }), async () => allow);
    const at = async (nowMs: number): Promise<readonly unknown[]> => {
      const { callsLastHour, callsLastDay, sums } = await look(ledger, callOf({ nowMs, amounts }));
      return [callsLastHour, callsLastDay, sums['amount']];
    };
    assert.deepEqual(await at(hourMs), [1, 1, 14]);
    assert.deepEqual(await at(hourMs + 60_000), [0, 1, 14]);
    assert.deepEqual(await at(24 * hourMs), [0, 1, 14]);
    assert.deepEqual(await at(24.25 * hourMs), [0, 0, 7]);
    // Whoever sets the clock back gets nothing back.
    assert.deepEqual(await at(0), [0, 0, 7]);
  });

  test('what cannot be summed fills its own sum, and no other', async () => {
    const ledger = createCallLedger();
    const unsummable = { amount: Number.MAX_SAFE_INTEGER };
    const { sums } = await look(ledger, callOf({ amounts: unsummable }));
    assert.equal(sums['amount'], Number.MAX_SAFE_INTEGER);
    await ledger.decide(callOf({ amounts: unsummable }), async () => allow);
    const after = await look(ledger, callOf({ amounts: { amount: 3 } }));
    assert.deepEqual([after.sums['amount'], after.callsLastDay], [3, 1]);
  });

  test('accounts are bounded: the one that was used longest ago is forgotten', async () => {
    const ledger = createCallLedger(2);
    for (const subject of ['ann', 'bob', 'ann', 'cem']) {
      await ledger.decide(callOf({ subject }), async () => allow);
    }
    assert.deepEqual([await days(ledger, 'ann'), await days(ledger, 'cem')], [2, 1]);
    assert.equal(await days(ledger, 'bob'), 0);
  });

  test('calls that are denied, and those of another tenant, make nobody forget anything', async () => {
    const ledger = createCallLedger(4);
    await ledger.decide(callOf(), async () => allow);
    for (let index = 0; index < 8; index += 1) {
      await ledger.decide(callOf({ subject: `denied-${index}` }), async () => deny);
    }
    assert.equal(await days(ledger, 'ann'), 1);
    for (let index = 0; index < 8; index += 1) {
      const principal = { tenant: 'rival', subject: `eve-${index}`, roles: [] };
      await ledger.decide(callOf({ principal }), async () => allow);
    }
    assert.equal(await days(ledger, 'ann'), 1);
  });

  test('tools that clients bring along, under any names, make no tool of the host forgotten', async () => {
    const ledger = createCallLedger(4);
    await ledger.decide(callOf(), async () => allow);
    for (let index = 0; index < 8; index += 1) {
      const tool: ToolDefinition = { ...toolOf(`own-${index}`), executor: 'client' };
      await ledger.decide(callOf({ tool }), async () => allow);
    }
    assert.equal(await days(ledger, 'ann'), 1);
    const last: ToolDefinition = { ...toolOf('own-7'), executor: 'client' };
    assert.equal((await look(ledger, callOf({ tool: last }))).callsLastDay, 1);
  });

  test('an account that is forgotten while a call is decided is back with that call', async () => {
    const ledger = createCallLedger(1);
    await ledger.decide(callOf(), async () => allow);
    const gate = Promise.withResolvers<Decision>();
    const held = ledger.decide(callOf(), async () => gate.promise);
    await ledger.decide(callOf({ subject: 'bob' }), async () => allow);
    gate.resolve(allow);
    await held;
    assert.equal(await days(ledger, 'ann'), 2);
  });
});
