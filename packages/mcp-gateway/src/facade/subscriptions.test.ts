import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { McpRelay, RpcError } from '../relay.ts';
import type { FacadeCaller, FacadeChange, FacadeCore, SubscriptionFilter } from './core-types.ts';
import {
  ann,
  createOutside,
  fullUri,
  listedTool,
  openCore,
  resultOf,
  textIn,
} from './fixtures/outside.ts';
import type { Outside } from './fixtures/outside.ts';

const caller: FacadeCaller = { principal: ann, capabilities: {}, era: 'modern' };
const everything = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

function oneServer(outside: Outside): void {
  outside.offer({
    up: { tools: [listedTool('echo')], resources: [{ uri: 'test://a', name: 'a' }] },
    hidden: { tools: [listedTool('echo')] },
  });
}

/** A subscription and what came of it. */
interface Listening {
  readonly accepted: () => SubscriptionFilter | undefined;
  readonly error: () => string;
  readonly changes: readonly FacadeChange[];
  readonly close: () => void;
  readonly ends: () => number;
}

function listen(core: FacadeCore, notifications: JsonObject, who = caller): Listening {
  const changes: FacadeChange[] = [];
  let accepted: SubscriptionFilter | undefined;
  let error = '';
  let ends = 0;
  const close = core.subscribe(
    who,
    { notifications },
    {
      onAccept: (filter) => void (accepted = filter),
      onRefuse: ({ message }) => void (error = message),
      onChange: (change) => changes.push(change),
      onEnd: () => void (ends += 1),
    },
  );
  return { accepted: () => accepted, error: () => error, changes, close, ends: () => ends };
}

/** Servers whose watches wait until the test decides about them. */
function openUndecided(): {
  readonly outside: Outside;
  readonly core: FacadeCore;
  readonly decide: (isAllowed: boolean) => Promise<void>;
} {
  const outside = createOutside();
  oneServer(outside);
  let decision = Promise.withResolvers<void>();
  const relay: McpRelay = {
    ...outside.relay,
    watchResource: async (...asked) => {
      await decision.promise;
      return outside.relay.watchResource(...asked);
    },
  };
  const { core } = openCore({ ...outside, relay });
  return {
    outside,
    core,
    decide: async (isAllowed) => {
      if (isAllowed) decision.resolve();
      else decision.reject(new HostError('policy_violation', 'not for you'));
      await turn();
      decision = Promise.withResolvers<void>();
    },
  };
}

test('only what was asked for comes, and only what concerns the view', () => {
  const outside = createOutside();
  oneServer(outside);
  const { core } = openCore(outside, { servers: ['up'] });
  const all = listen(core, everything);
  const prompts = listen(core, { promptsListChanged: true, toolsListChanged: false });
  assert.deepEqual(prompts.accepted(), { promptsListChanged: true });
  outside.change({ type: 'tools', alias: 'up' });
  outside.change({ type: 'tools', alias: 'hidden' });
  outside.change({ type: 'resource-updated', alias: 'up', uri: 'test://a' });
  outside.change({ type: 'prompts', alias: 'up' });
  assert.deepEqual(all.changes, [{ type: 'tools' }, { type: 'prompts' }]);
  assert.deepEqual(prompts.changes, [{ type: 'prompts' }]);
  all.close();
  outside.change({ type: 'tools', alias: 'up' });
  assert.equal(all.changes.length, 2);
});

test('abuse A9: changes at a server that a tenant does not have are not heard of', async () => {
  const outside = createOutside();
  outside.offer({ mine: { tools: [listedTool('echo')] } }, 'acme');
  outside.offer({ theirs: { tools: [listedTool('echo')] } }, 'other');
  const { core } = openCore(outside);
  const mine = listen(core, { ...everything, resourceSubscriptions: ['theirs+test://a'] });
  await turn();
  assert.deepEqual(mine.accepted(), everything);
  outside.change({ type: 'tools', alias: 'theirs' });
  outside.change({ type: 'resource-updated', alias: 'theirs', uri: 'test://a' });
  assert.deepEqual(mine.changes, []);
  assert.equal(outside.watched.size, 0);
});

test('a resource is watched at its server for as long as somebody listens, under the name of the view', async () => {
  const outside = createOutside();
  oneServer(outside);
  const { core } = openCore(outside);
  const wanted = ['up+test://a', 'up+test://a', 'nowhere+test://a'];
  const watching = listen(core, { resourceSubscriptions: wanted });
  await turn();
  assert.deepEqual(watching.accepted(), { resourceSubscriptions: ['up+test://a'] });
  assert.deepEqual([...outside.watched], ['acme up test://a']);
  outside.change({ type: 'resource-updated', alias: 'up', uri: 'test://a' });
  outside.change({ type: 'resource-updated', alias: 'up', uri: 'test://b' });
  assert.deepEqual(watching.changes, [{ type: 'resource-updated', uri: 'up+test://a' }]);
  watching.close();
  watching.close();
  assert.equal(outside.watched.size, 0);
});

test('a subscription that cannot have all its watches has none, and says why', async () => {
  const outside = createOutside();
  oneServer(outside);
  const { core } = openCore(outside, {}, { subscriptionsMax: 1 });
  const { error, accepted } = listen(core, {
    resourceSubscriptions: ['up+test://a', `up+${fullUri}`],
  });
  await turn();
  assert.match(error(), /its watches are taken/);
  assert.equal(accepted(), undefined);
  assert.equal(outside.watched.size, 0);
  // Nor does it count.
  assert.equal(listen(core, everything).error(), '');
});

test('a resource that policy does not let be watched is refused with its reason', async () => {
  const { outside, core, decide } = openUndecided();
  const watching = listen(core, { ...everything, resourceSubscriptions: ['up+test://a'] });
  outside.change({ type: 'tools', alias: 'up' });
  assert.deepEqual([watching.accepted(), watching.error()], [undefined, '']);
  await decide(false);
  assert.equal(watching.error(), 'not for you');
  outside.change({ type: 'tools', alias: 'up' });
  core.close();
  assert.deepEqual([watching.accepted(), watching.changes, watching.ends()], [undefined, [], 0]);
  assert.equal(outside.watched.size, 0);
});

for (const [how, leave] of [
  ['by its client', (_core: FacadeCore, { close }: Listening) => close()],
  ['with the façade', (core: FacadeCore) => core.close()],
] as const) {
  for (const isAllowed of [true, false]) {
    test(`what is ended ${how} while it is decided is not watched when ${isAllowed ? 'allowed' : 'refused'}`, async () => {
      const { outside, core, decide } = openUndecided();
      const watching = listen(core, { resourceSubscriptions: ['up+test://a', 'up+test://b'] });
      leave(core, watching);
      await decide(isAllowed);
      assert.deepEqual([watching.accepted(), watching.error()], [undefined, '']);
      assert.equal(outside.watched.size, 0);
    });
  }
}

test('a filter of the wrong shape is refused with the name of the field', () => {
  const { core } = openCore(createOutside(), {}, { watchedMax: 2 });
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /params\.notifications/],
    [{ notifications: [] }, /params\.notifications/],
    [{ notifications: { toolsListChanged: 1 } }, /toolsListChanged/],
    [{ notifications: { resourceSubscriptions: 'x' } }, /resourceSubscriptions/],
    [{ notifications: { resourceSubscriptions: [1] } }, /resourceSubscriptions/],
    [{ notifications: { resourceSubscriptions: ['a', 'b', 'c'] } }, /at most 2/],
    [{ notifications: { taskIds: [1] } }, /taskIds/],
  ];
  for (const [params, message] of wrong) {
    const errors: RpcError[] = [];
    const onRefuse = (error: RpcError): void => void errors.push(error);
    core.subscribe(caller, params, { onAccept() {}, onRefuse, onChange() {}, onEnd() {} });
    assert.equal(errors[0]?.code, -32_602);
    assert.match(errors[0].message, message);
  }
});

test('one principal, and all together, have so many subscriptions open at most', () => {
  const bounds = { subscriptionsPerPrincipalMax: 2, subscriptionsMax: 3 };
  const { core } = openCore(createOutside(), {}, bounds);
  const bob = { ...caller, principal: { ...ann, subject: 'bob' } };
  const first = listen(core, everything);
  listen(core, everything);
  assert.match(listen(core, everything).error(), /too many/);
  listen(core, everything, bob);
  assert.match(listen(core, everything, bob).error(), /too many/);
  first.close();
  assert.equal(listen(core, everything).error(), '');
});

test('the end of the façade ends every subscription once', async () => {
  const outside = createOutside();
  oneServer(outside);
  const { core } = openCore(outside);
  const listening = listen(core, { ...everything, resourceSubscriptions: ['up+test://a'] });
  await turn();
  core.close();
  core.close();
  assert.equal(listening.ends(), 1);
  assert.equal(outside.watched.size, 0);
  outside.change({ type: 'tools', alias: 'up' });
  assert.deepEqual(listening.changes, []);
});

test('the owner of a task hears where it stands', async () => {
  const outside = createOutside();
  const tool = listedTool('job', { execution: { taskSupport: 'optional' } });
  let finish = (): void => {};
  const slow = createOutside(async () => {
    await new Promise<void>((resolve) => (finish = resolve));
    return { kind: 'complete', result: { content: [] } };
  });
  slow.offer({ up: { tools: [tool] } });
  const { core, ask } = openCore(slow);
  const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
  const { taskId } = resultOf(await ask('tools/call', { name: 'up__job' }, { capabilities }));
  const filter = { taskIds: [textIn(taskId), 'other'] };
  const listening = listen(core, filter, { ...caller, capabilities });
  assert.deepEqual(listening.accepted(), { taskIds: [taskId] });
  finish();
  await turn();
  const [change] = listening.changes;
  assert.equal(change?.type === 'task' && change.params['status'], 'completed');
  assert.deepEqual(outside.arrivals, []);
});
