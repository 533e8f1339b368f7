import assert from 'node:assert/strict';
import test from 'node:test';
import type { Canary } from './canary.ts';
import { startCanaryWorld } from './canary-world.ts';
import type { Hiding } from './canary-world.ts';
import { gatherAnswers, gatherRemains } from './outputs.ts';
import { playRuns } from './play-runs.ts';
import type { Plan } from './plan.ts';
import { findCanaries } from './search.ts';
import type { Output } from './search.ts';
import type { Owner } from '../start-host.ts';

interface Evidence {
  readonly plan: Plan;
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
  const events = [...runs.events, ...(await runs.crash())];
  const remains = await gatherRemains(world);
  const outputs = [...events, ...answers, ...remains];
  const [provider, server] = [world.provider.received(), [await world.notes()]];
  return { plan: world.plan, outputs, provider, server };
}

test('A22: no canary is in anything that leaves a host, or that it leaves behind, after a completed, a failed, a cancelled and a crashed run', async (t) => {
  const { plan, outputs, provider, server } = await play(t, 'on');
  assert.deepEqual(findCanaries(plan.all, outputs), []);
  // Neither the model nor a tool got one, but for what the host is configured to send them.
  const { 'api-key': apiKey, header, environment } = plan.own;
  const others = plan.all.filter((canary) => ![apiKey, header, environment].includes(canary));
  assert.deepEqual(findCanaries(others, [...provider, ...server]), []);
  assert.deepEqual(placesIn([apiKey, header], provider), ['api-key', 'header']);
  assert.deepEqual(placesIn([environment], server), ['environment']);
});

test('with redaction off every canary is found, so that it was really there', async (t) => {
  const { plan, outputs, provider, server } = await play(t, 'off');
  const places = [...new Set(plan.all.map(({ place }) => place))];
  const shown = placesIn(plan.all, [...outputs, ...provider, ...server]);
  // Headers of errors are shown nowhere, whatever is hidden.
  assert.deepEqual(
    places.filter((place) => !shown.includes(place)),
    ['provider-header'],
  );
  const telling = outputs.filter((output) => findCanaries(plan.all, [output]).length > 0);
  // A search of outputs that could not have one would prove nothing.
  assert.deepEqual(
    tellers.filter((name) => !telling.some((output) => output.name === name)),
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
  'StartRun with a wrong name of metadata',
  'ListTools',
  'ListToolServers',
  'GetTool',
  'GetTool of none',
  'CallTool',
  'CallTool that fails',
  'CallTool of none',
  'GetStatus',
  '/ready',
  'façade: tools/list',
  'façade: tools/call',
  'model-host run',
  'model-host tools',
  'stderr',
  'file tool-pins.json',
  'decisions',
];

function isIn(canary: Canary, outputs: readonly Output[]): boolean {
  return findCanaries([canary], outputs).length > 0;
}

/** Places of which a canary stands in an output. */
function placesIn(canaries: readonly Canary[], outputs: readonly Output[]): readonly string[] {
  const found = canaries.filter((canary) => isIn(canary, outputs));
  return [...new Set(found.map(({ place }) => place))];
}
