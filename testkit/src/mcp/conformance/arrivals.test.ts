import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { missingArrivals, readArrivals } from './arrivals.ts';
import type { Scenario } from './suite.ts';

function scenario(name: string, startedAtMs: number): Scenario {
  return { name, passed: 1, failed: 0, isRequired: true, startedAtMs, problems: [] };
}

suite('arrivals at the upstream', () => {
  test('notes are read line by line; what is no note is passed over', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'arrivals-'));
    const path = join(folder, 'requests');
    await writeFile(path, '17 tools/list\n18 tools/call greet\n\nnothing\n');
    assert.deepEqual(readArrivals(path), [
      { atMs: 17, what: 'tools/list' },
      { atMs: 18, what: 'tools/call greet' },
    ]);
    await rm(folder, { recursive: true });
  });

  test('a request counts for the scenario in whose time it came, and for no other', () => {
    const scenarios = [scenario('tools-call-image', 200), scenario('tools-call-audio', 100)];
    const image = { atMs: 150, what: 'tools/call test_image_content' };
    const audio = { atMs: 199, what: 'tools/call test_audio_content' };
    assert.deepEqual(missingArrivals(scenarios, [image, audio]), [
      'tools-call-image: tools/call test_image_content did not reach the upstream',
    ]);
    assert.deepEqual(missingArrivals(scenarios, [{ ...image, atMs: 201 }, audio]), []);
  });

  test('one request counts for one scenario, and that of a task may come late', () => {
    const scenarios = [
      scenario('tasks-wire-fields', 100),
      scenario('tasks-request-state-removal', 110),
    ];
    const late = { atMs: 150, what: 'tools/call slow_compute' };
    assert.deepEqual(missingArrivals(scenarios, [late, { ...late }]), []);
    assert.deepEqual(missingArrivals(scenarios, [late]), [
      'tasks-request-state-removal: tools/call slow_compute did not reach the upstream',
    ]);
    assert.equal(missingArrivals(scenarios, [late, { ...late, atMs: 9_000 }]).length, 0);
    assert.equal(
      missingArrivals(scenarios.slice(0, 1).concat(scenario('ping', 110)), [
        { ...late, atMs: 9_000 },
      ]).length,
      1,
    );
  });

  test('every tool that a scenario calls must arrive', () => {
    const arrived = ['greet', 'slow_compute', 'failing_job'].map((tool) => ({
      atMs: 1,
      what: `tools/call ${tool}`,
    }));
    assert.deepEqual(missingArrivals([scenario('tasks-lifecycle', 0)], arrived), [
      'tasks-lifecycle: tools/call protocol_error_job did not reach the upstream',
    ]);
  });

  test('a scenario that nobody thought of is asked after, one that the façade answers is not', () => {
    assert.equal(missingArrivals([scenario('something-new', 0)], []).length, 1);
    assert.deepEqual(missingArrivals([scenario('ping', 0)], []), []);
  });
});
