import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createPolicyEngine, singleSource } from '@modelhost/policy-engine';
import { createCompany, createDrafts } from './company.ts';
import { measureReload, watch } from './reload.ts';
import { cpuRatio, limits } from './report.ts';
import { measureRounds, type Subject } from './rounds.ts';
import { askHost, compileCompany } from './subjects.ts';

/** A machine that does other work too gets more time. */
const slack = process.env['CI'] === undefined ? 1 : 4;

suite('the decision point against the clock', () => {
  test('takes as long with 5,000 rules as with 10, and not long', async () => {
    const subjects: Subject[] = [];
    for (const rules of [10, 5_000]) {
      const company = createCompany(rules);
      subjects.push({
        name: `${rules} rules`,
        company,
        drafts: createDrafts(company, 256),
        decide: askHost(await compileCompany(company)),
        isRepeated: false,
        isPrepared: true,
      });
    }
    const [few, many] = await measureRounds(subjects, { rounds: 15, roundMs: 100 });
    assert.ok(few !== undefined && many !== undefined);
    assert.equal(few.wrong + many.wrong, 0);
    assert.ok(cpuRatio(many, few) <= limits.flatMax, `${cpuRatio(many, few)} times as long`);
    // The bench holds the limit itself, on a machine that does nothing else.
    const micros = Math.min(few.cpuMicrosLowest, many.cpuMicrosLowest);
    assert.ok(micros <= limits.leanCpuMicrosMax * 2 * slack, `${micros} us`);
  });

  test('leaves nearly all work of a reload to the worker', async () => {
    const { threadMs } = await measureReload(createCompany(2_000), 1);
    // Over more than a hundred turns of the event loop.
    assert.ok(threadMs < 100 * slack, `${threadMs} ms`);
  });

  test('finds the tools of somebody in turns of less than 10 ms', async () => {
    const company = createCompany(500);
    const source = singleSource(await compileCompany(company));
    const asker = {
      principal: { tenant: 'acme', subject: 'ann', roles: ['role-1'] },
      agent: 'helper',
      isDelegated: false,
    };
    // Short windows, since others disturb the long ones.
    const toolsAtOnce = 10;
    for (let start = 0; start < company.tools.length; start += toolsAtOnce) {
      const tools = company.tools.slice(start, start + toolsAtOnce);
      let longestMs = Infinity;
      for (let round = 0; round < 12; round += 1) {
        // A new one each time, since it remembers what it found.
        const engine = createPolicyEngine({ source });
        const watched = await watch(async () => {
          assert.equal((await engine.visible(asker, tools)).length, toolsAtOnce);
        });
        longestMs = Math.min(longestMs, watched.longestMs);
      }
      assert.ok(longestMs < 10 * slack, `${longestMs} ms`);
    }
  });
});
