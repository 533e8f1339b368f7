import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import type { DecisionFilter, DecisionLog, LogEntry } from './index.ts';
import fc from 'fast-check';
import { logBounds } from './bounds.ts';
import { callEntry, startMs } from './fixtures/entries.ts';
import { inLogDirectory } from './fixtures/log-directory.ts';
import { createTestKeys } from './fixtures/test-keys.ts';

/** All entries of the log, page by page. */
async function pagesOf(
  log: DecisionLog,
  filter: DecisionFilter,
  pageSize: number,
): Promise<readonly (readonly LogEntry[])[]> {
  const pages: (readonly LogEntry[])[] = [];
  let pageToken: string | undefined;
  do {
    const page = await log.page({ ...filter, pageSize, pageToken });
    pages.push(
      page.decisions.map(({ timeMs, request, decision }) => ({ timeMs, request, decision })),
    );
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return pages;
}

async function recordedTimes(log: DecisionLog, filter: DecisionFilter): Promise<readonly number[]> {
  const times: number[] = [];
  for await (const { timeMs } of log.recorded(filter)) times.push(timeMs);
  return times;
}

test('what was appended comes back as it was, with its shadow and an id of its own', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    const approval = {
      callDigest: 'call-1',
      votes: [{ subject: 'bob', roles: ['lead'] }],
      expiresAtMs: startMs + 1,
    };
    const one = callEntry({
      approval,
      arguments: { to: 'x', deep: { list: [1, null, 'é\ud800'] } },
    });
    const other = callEntry({ timeMs: startMs + 1, effect: 'deny' });
    const shadow = { bundle: 'next@2', decision: other.decision };
    log.append({ ...one, shadow });
    log.append(other);
    const { decisions, nextPageToken } = await log.page({ pageSize: 10 });
    const [newest, oldest] = decisions;
    assert.equal(nextPageToken, undefined);
    assert.deepEqual(newest, { id: newest?.id, ...other, masked: [] });
    assert.deepEqual(oldest, { id: oldest?.id, ...one, masked: [], shadow });
    assert.notEqual(newest?.id, oldest?.id);
    assert.match(newest?.id ?? '', /^[0-9a-f]{24}$/);
    assert.deepEqual(await log.page({ pageSize: 10 }), { decisions, nextPageToken: undefined });
  });
});

test('pages of any size together are what the filter lets through, newest first', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    const entries = Array.from({ length: 150 }, (_, index) =>
      callEntry({
        // Several at one time, and not in the order of the time.
        timeMs: startMs + ((index * 7) % 40),
        tenant: index % 3 === 0 ? 'acme' : 'other',
        tool: index % 2 === 0 ? 'mail__send' : 'files__write',
        effect: index % 5 === 0 ? 'deny' : 'allow',
        reasons: [{ rule: `rule-${index % 4}`, message: '' }],
        arguments: { index },
      }),
    );
    for (const entry of entries) log.append(entry);
    const optional = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
      fc.option(values, { nil: undefined });
    const filters = fc.record({
      tenant: optional(fc.constantFrom('acme', 'other', 'none')),
      sinceMs: optional(fc.integer({ min: startMs, max: startMs + 40 })),
      untilMs: optional(fc.integer({ min: startMs, max: startMs + 40 })),
      effect: optional(fc.constantFrom('allow' as const, 'deny' as const)),
      action: optional(fc.constantFrom('CallTool', 'UseModel')),
      resource: optional(fc.constantFrom('mail__send', 'files__write')),
      rule: optional(fc.constantFrom('rule-1', 'rule')),
    });
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 200 }), async (filter, pageSize) => {
        const pages = await pagesOf(log, filter, pageSize);
        const expected = entries
          .filter((entry) => isIn(entry, filter))
          .reverse()
          .sort((one, later) => later.timeMs - one.timeMs);
        assert.deepEqual(pages.flat(), expected);
        assert.ok(pages.slice(0, -1).every((page) => page.length === pageSize));
        const oldestFirst = expected.map(({ timeMs }) => timeMs).reverse();
        assert.deepEqual(await recordedTimes(log, filter), oldestFirst);
      }),
      { numRuns: 60 },
    );
  });
});

function isIn({ timeMs, request, decision }: LogEntry, filter: DecisionFilter): boolean {
  const { sinceMs = 0, untilMs = Infinity } = filter;
  const same = (one: string | undefined, other: string): boolean => (one ?? other) === other;
  const isTool = request.resource.type === 'tool';
  return (
    timeMs >= sinceMs &&
    timeMs < untilMs &&
    same(filter.tenant, request.principal.tenant) &&
    same(filter.effect, decision.effect) &&
    same(filter.action, request.action) &&
    same(filter.resource, isTool ? request.resource.tool.name : '') &&
    (filter.rule === undefined || decision.reasons.some(({ rule }) => rule === filter.rule))
  );
}

test('a page token is of use for the same filter only, and cannot be made or changed by others', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    for (let index = 0; index < 3; index += 1) log.append(callEntry({ timeMs: startMs + index }));
    const { nextPageToken = '' } = await log.page({ tenant: 'acme', pageSize: 1 });
    assert.ok(!nextPageToken.includes(String(startMs)));
    const refused = [
      { tenant: 'other', pageSize: 1, pageToken: nextPageToken },
      { pageSize: 1, pageToken: nextPageToken },
      { tenant: 'acme', pageSize: 1, pageToken: 'AAAA' },
      { tenant: 'acme', pageSize: 1, pageToken: `${nextPageToken.slice(0, -2)}zz` },
    ];
    for (const query of refused) {
      await assert.rejects(log.page(query), {
        code: 'validation_failed',
        message: /^pageToken: is not one of this log for the same filter; repeat the query/,
      });
    }
    const second = await log.page({ tenant: 'acme', pageSize: 2, pageToken: nextPageToken });
    assert.deepEqual(
      second.decisions.map(({ timeMs }) => timeMs),
      [startMs + 1, startMs],
    );
  });
});

test('a query with times or sizes that are none is refused with the field', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    for (const pageSize of [0, -1, 1.5, logBounds.pageSize + 1]) {
      await assert.rejects(log.page({ pageSize }), {
        code: 'validation_failed',
        message: /^pageSize: is not between 1 and 200; ask for several pages/,
      });
    }
    await assert.rejects(log.page({ pageSize: 1, sinceMs: Number.NaN }), {
      violations: [
        {
          field: 'sinceMs',
          description: 'is no time; give milliseconds since the Unix epoch as a whole number',
        },
      ],
    });
    await assert.rejects(recordedTimes(log, { untilMs: 0.5 }), { code: 'validation_failed' });
  });
});

test('a reading goes on beside writing, and ends with the newest at its start', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    const count = logBounds.readRows * 2;
    for (let index = 0; index < count; index += 1) {
      log.append(callEntry({ timeMs: startMs + index }));
    }
    const seen: number[] = [];
    for await (const { timeMs } of log.recorded({})) {
      seen.push(timeMs);
      log.append(callEntry({ timeMs: startMs + count + seen.length }));
      await log.flush();
    }
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, index) => startMs + index),
    );
    assert.equal(log.statistics().entries, count * 2);
  });
});

test('values that policy masks are kept as keyed hashes only', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    const values = { to: 'eve@example.org', items: [{ price: 7, name: 'a' }, { price: 8 }] };
    const masked = ['to', 'items[].price', 'absent'];
    log.append(callEntry({ arguments: values, masked }));
    log.append(callEntry({ arguments: values, masked, tenant: 'other', effect: 'deny' }));
    const { decisions } = await log.page({ pageSize: 2 });
    const [other, own] = decisions.map(({ request: { resource } }) =>
      resource.type === 'tool' ? resource.arguments : {},
    );
    assert.doesNotMatch(JSON.stringify(decisions), /eve@example|"price":[78]/);
    assert.deepEqual(
      decisions.map((decision) => decision.masked),
      [
        ['items[].price', 'to'],
        ['items[].price', 'to'],
      ],
    );
    assert.match(JSON.stringify(own), /^\{"to":\{"\$hash":"[0-9a-f]{64}","\$type":"string"\}/);
    assert.match(JSON.stringify(own), /"name":"a"/);
    // Of another tenant: nobody can tell that the values are the same.
    assert.notDeepEqual(own?.['to'], other?.['to']);
  });
});

test('nothing of a person or a call is in the clear on disk, and others cannot read the file', async () => {
  await inLogDirectory(async ({ open, bytes, path }) => {
    const log = await open();
    const approval = {
      callDigest: 'secret-digest',
      votes: [{ subject: 'secret-approver', roles: ['secret-role'] }],
      expiresAtMs: startMs,
    };
    const reasons = [{ rule: 'rule-1', message: 'secret-message' }];
    const to = 'secret-value';
    log.append(callEntry({ subject: 'secret-subject', arguments: { to }, approval, reasons }));
    await log.flush();
    const raw = await bytes();
    assert.ok(raw.includes('rule-1') && raw.includes('mail__send'));
    assert.ok(!raw.includes('secret'));
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
});

test('closing writes what waits; afterwards nothing is taken, and nothing throws', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    log.append(callEntry());
    await log.close();
    log.append(callEntry());
    assert.equal(log.statistics().dropped, 1);
    await assert.rejects(log.page({ pageSize: 1 }), { code: 'failed_precondition' });
    const again = await open();
    assert.equal(again.statistics().entries, 1);
    assert.equal((await again.page({ pageSize: 1 })).decisions.length, 1);
  });
});

test('past the bound it is the oldest of whoever has most that go, so that nobody drives out others', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open({ entriesMax: 20 });
    const append = (tenant: string, count: number): void => {
      for (let index = 0; index < count; index += 1) {
        log.append(callEntry({ tenant, timeMs: startMs + index }));
      }
    };
    const timesOf = async (tenant: string): Promise<readonly number[]> =>
      (await recordedTimes(log, { tenant })).map((timeMs) => timeMs - startMs);
    append('acme', 6);
    append('small', 2);
    append('rival', 50);
    await log.flush();
    assert.deepEqual(await timesOf('acme'), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(await timesOf('small'), [0, 1]);
    assert.equal((await timesOf('rival')).length, 12);
    assert.equal((await timesOf('rival')).at(-1), 49);
    append('acme', 50);
    await log.flush();
    // Neither of the two has more than the other, and the third has what it had.
    assert.deepEqual([(await timesOf('acme')).length, (await timesOf('rival')).length], [9, 9]);
    assert.deepEqual(await timesOf('small'), [0, 1]);
    assert.deepEqual([await log.entriesOf('acme'), await log.entriesOf('nobody')], [9, 0]);
    assert.equal(await log.erase('acme', 'ann'), 9);
    append('acme', 1);
    await log.flush();
    assert.equal(log.statistics().entries, 12);
  });
});

test('what is too old or too many is removed, the oldest first', async () => {
  await inLogDirectory(async ({ open }) => {
    const dayMs = 86_400_000;
    let nowMs = startMs;
    const log = await open({ now: () => nowMs, keepDays: 2, entriesMax: 10 });
    for (let index = 0; index < 30; index += 1) log.append(callEntry({ timeMs: startMs + index }));
    await log.flush();
    assert.deepEqual(
      await recordedTimes(log, {}),
      Array.from({ length: 10 }, (_, index) => startMs + 20 + index),
    );
    nowMs += 2 * dayMs + 25;
    await log.flush();
    assert.deepEqual(
      await recordedTimes(log, {}),
      [25, 26, 27, 28, 29].map((index) => startMs + index),
    );
    log.append(callEntry({ timeMs: nowMs }));
    nowMs += 5;
    log.append(callEntry({ timeMs: nowMs }));
    assert.deepEqual(await recordedTimes(log, {}), [nowMs - 5, nowMs]);
    assert.equal(log.statistics().entries, 2);
  });
});

test('an erased subject is gone, others and the same name of another tenant stay', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    for (const tenant of ['acme', 'other']) {
      for (const subject of ['ann', 'bob']) log.append(callEntry({ tenant, subject }));
    }
    assert.equal(await log.erase('acme', 'ann'), 1);
    assert.equal(await log.erase('acme', 'ann'), 0);
    const { decisions } = await log.page({ pageSize: 10 });
    assert.deepEqual(
      decisions.map(({ request: { principal } }) => `${principal.tenant}/${principal.subject}`),
      ['other/bob', 'other/ann', 'acme/bob'],
    );
  });
});

test('what does not open is left out, counted and told of once', async () => {
  await inLogDirectory(async ({ open }) => {
    const log = await open();
    for (let index = 0; index < 3; index += 1) log.append(callEntry());
    await log.close();
    const faults: unknown[] = [];
    const keys = createTestKeys('another');
    const other = await open({ keys, onFault: (fault) => faults.push(fault) });
    other.append(callEntry({ subject: 'bob' }));
    const { decisions } = await other.page({ pageSize: 10 });
    assert.deepEqual(
      decisions.map(({ request }) => request.principal.subject),
      ['bob'],
    );
    assert.equal(other.statistics().unreadable, 3);
    assert.equal(faults.length, 1);
  });
});

test('a retention that keeps nothing is refused', async () => {
  await inLogDirectory(async ({ open }) => {
    for (const change of [{ keepDays: 0 }, { entriesMax: 0 }, { keepDays: 1.5 }]) {
      const [name] = Object.keys(change);
      await assert.rejects(open(change), {
        code: 'config_invalid',
        message: `${name}: must be a whole number of at least 1`,
      });
    }
  });
});
