import assert from 'node:assert/strict';
import test from 'node:test';
import type { Canary } from './canary.ts';
import { restartCanaryWorld, startCanaryWorld } from './canary-world.ts';
import type { CanaryWorld, Hiding } from './canary-world.ts';
import { outputOf } from './output.ts';
import { gatherAnswers, gatherRemains } from './outputs.ts';
import { crashRun, endCrashedRun, playRuns } from './play-runs.ts';
import type { CrashedRun } from './play-runs.ts';
import { findCanaries, searchFor } from './search.ts';
import type { Output } from './search.ts';
import type { Owner } from '../start-host.ts';

interface Evidence {
  readonly world: CanaryWorld;
  readonly crashed: CrashedRun;
  /** What left the host, and what it left behind. */
  readonly outputs: readonly Output[];
  readonly provider: readonly Output[];
  readonly server: readonly Output[];
}

/** One run that completes, one that fails, one that is cancelled, one whose host is killed; then all that is to be seen. */
async function play(owner: Owner, hiding: Hiding): Promise<Evidence> {
  const world = await startCanaryWorld(owner, hiding);
  const runs = await playRuns(world);
  const answers = await gatherAnswers(world, runs);
  const crashed = await crashRun(world);
  const outputs = [...runs.events, ...answers, crashed.events, ...(await gatherRemains(world))];
  const [provider, server] = [world.provider.received(), [await world.notes()]];
  return { world, outputs, provider, server, crashed };
}

/** What another host tells that goes on where the killed one was, and what it leaves behind. */
async function playOn(owner: Owner, { world, crashed }: Evidence): Promise<readonly Output[]> {
  const next = await restartCanaryWorld(owner, world);
  const ended = await endCrashedRun(next, crashed.runId);
  const run = await outputOf('GetRun after a crash', () => next.client.getRun(crashed.runId));
  next.host.send('SIGTERM');
  await next.host.exited;
  return [ended, run, ...(await gatherRemains(next))];
}

test('A22: no canary is in anything that leaves a host, or that it leaves behind, after a completed, a failed, a cancelled and a crashed run', async (t) => {
  const evidence = await play(t, 'on');
  const { outputs, provider, server } = evidence;
  const { plan } = evidence.world;
  assert.deepEqual(findCanaries(plan.all, outputs), []);
  assert.deepEqual(findCanaries(plan.all, await playOn(t, evidence)), []);
  // Neither the model nor a tool got one, but for what the host is configured to send them.
  const { 'api-key': apiKey, header, environment } = plan.own;
  const others = plan.all.filter((canary) => ![apiKey, header, environment].includes(canary));
  assert.deepEqual(findCanaries(others, [...provider, ...server]), []);
  assert.deepEqual(placesIn([apiKey, header], provider), ['api-key', 'header']);
  assert.deepEqual(placesIn([environment], server), ['environment']);
});

test('with redaction off every canary is found, so that it was really there', async (t) => {
  const { world, outputs, provider, server } = await play(t, 'off');
  const { plan } = world;
  const places = [...new Set(plan.all.map(({ place }) => place))];
  const shown = placesIn(plan.all, [...outputs, ...provider, ...server]);
  // Headers are shown nowhere, whatever is hidden.
  assert.deepEqual(
    places.filter((place) => !shown.includes(place)),
    ['provider-header', 'caller-key'],
  );
  const telling = new Set(searchFor(plan.all, outputs).map(({ output }) => output.name));
  // A search of outputs that could not have one would prove nothing.
  assert.deepEqual(
    tellers.filter((name) => !telling.has(name)),
    [],
  );
});

/** Whatever shows a canary as soon as nothing is hidden. */
const tellers = [
  'events of the run that is to finish',
  'events of the run that is to fail',
  'events of the run that is to break-off',
  'GetRun',
  'GetRun of none',
  'ListRuns',
  'GetSession',
  'ListSessions',
  'ListTurns',
  'ExportSession',
  'StartRun with a wrong name of metadata',
  'ListTools',
  'ListToolServers',
  'GetTool',
  'GetTool of none',
  'CallTool',
  'CallTool of a long result',
  'CallTool that fails',
  'CallTool of none',
  'GetStatus',
  '/ready',
  'façade: tools/list',
  'façade: tools/call',
  'façade: resources/read',
  'model-host run',
  'model-host tools',
  'stderr',
  'file tool-pins.json',
  'decisions',
];

/** Places of which a canary stands in an output. */
function placesIn(canaries: readonly Canary[], outputs: readonly Output[]): readonly string[] {
  const found = new Set(searchFor(canaries, outputs).map(({ canary }) => canary));
  return [...new Set(canaries.filter((canary) => found.has(canary)).map(({ place }) => place))];
}
