import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, Principal } from '@modelhost/kernel';
import type { FacadeBounds, FacadeChange, FacadeView } from './core-types.ts';
import {
  ann,
  createOutside,
  errorOf,
  listedTool,
  namesOf,
  openCore,
  resultOf,
  textOf,
} from './fixtures/outside.ts';
import type { OpenCore, Outside } from './fixtures/outside.ts';

const bob: Principal = { ...ann, subject: 'bob' };
const names = ['read', 'send', 'wipe'] as const;

interface Opened extends OpenCore {
  readonly outside: Outside;
  /** How often policy was asked. */
  readonly asked: () => number;
  /** From now on they see only these. */
  readonly permit: (subject: string, tools: readonly string[]) => void;
}

/** A façade in front of three tools, of which nobody sees any until they are permitted. */
function open(view: Partial<FacadeView> = {}, bounds: Partial<FacadeBounds> = {}): Opened {
  const outside = createOutside();
  outside.offer({ up: { tools: names.map((name) => listedTool(name)) } });
  const seen = new Map<string, ReadonlySet<string>>();
  let asked = 0;
  const relay = {
    ...outside.relay,
    visible: async ({ subject }: Principal): Promise<ReadonlySet<string>> => {
      asked += 1;
      return seen.get(subject) ?? new Set<string>();
    },
  };
  return {
    ...openCore({ ...outside, relay }, view, bounds),
    outside,
    asked: () => asked,
    permit: (subject, tools) => void seen.set(subject, new Set(tools)),
  };
}

test('a list has only what policy could let the caller call, in both protocols', async () => {
  const { ask, permit } = open();
  permit('ann', ['up__read', 'up__send']);
  permit('bob', ['up__send', 'else__where']);
  for (const era of ['modern', 'legacy'] as const) {
    const listed = async (principal: Principal): Promise<readonly unknown[]> =>
      namesOf(await ask('tools/list', {}, { era, principal }), 'tools');
    assert.deepEqual(await listed(ann), ['up__read', 'up__send']);
    assert.deepEqual(await listed(bob), ['up__send']);
    assert.deepEqual(await listed({ ...ann, subject: 'eve' }), []);
  }
});

test('the text of a list, which is what is sent, has no more than its object', async () => {
  const { ask, permit } = open();
  permit('ann', ['up__read']);
  const outcome = await ask('tools/list');
  assert.ok(outcome.kind === 'result' && outcome.text !== undefined);
  const sent: unknown = JSON.parse(outcome.text);
  assert.partialDeepStrictEqual(sent, { tools: outcome.result['tools'] });
  assert.doesNotMatch(outcome.text, /send|wipe/);
});

test('what policy says now is what the next list shows', async () => {
  const { ask, permit } = open();
  for (const tools of [['up__read'], [], ['up__wipe', 'up__read'], ['up__read']]) {
    permit('ann', tools);
    const listed = namesOf(await ask('tools/list'), 'tools');
    assert.deepEqual(new Set(listed), new Set(tools));
  }
});

test('whoever sees everything, or the same as somebody else, is given the same list', async () => {
  const { ask, permit } = open();
  const listOf = async (principal: Principal): Promise<Json | undefined> =>
    resultOf(await ask('tools/list', {}, { principal }))['tools'];
  const all = names.map((name) => `up__${name}`);
  permit('ann', all);
  permit('bob', all);
  assert.equal(await listOf(ann), await listOf(bob));
  permit('ann', ['up__read']);
  permit('bob', ['up__read', 'of__another-view']);
  assert.equal(await listOf(ann), await listOf(bob));
});

test('names of a view do not depend on who asks', async () => {
  const { ask, permit, outside } = open({ naming: 'none' });
  outside.offer({ up: { tools: [listedTool('read')] }, off: { tools: [listedTool('read')] } });
  permit('ann', ['off__read']);
  // The name is that of the first one, which is hidden from her: the other does not take its place.
  assert.deepEqual(namesOf(await ask('tools/list'), 'tools'), []);
});

test('the cursor of one list leads nowhere in another', async () => {
  const { ask, permit } = open({}, { pageItemsMax: 1 });
  permit('ann', ['up__read', 'up__send']);
  permit('bob', ['up__read', 'up__wipe']);
  const { nextCursor } = resultOf(await ask('tools/list'));
  const rest = await ask('tools/list', { cursor: nextCursor });
  assert.deepEqual(namesOf(rest, 'tools'), ['up__send']);
  const stolen = await ask('tools/list', { cursor: nextCursor }, { principal: bob });
  assert.match(errorOf(stolen)[1], /the list has changed/);
});

test('a hidden tool is neither found nor described, as if it were not there', async () => {
  const { ask, permit } = open({ search: 'always' });
  permit('ann', ['up__read', 'up__send']);
  const call = async (name: string, values: Json): ReturnType<OpenCore['ask']> =>
    ask('tools/call', { name, arguments: values });
  const found = resultOf(await call('search_tools', { query: 'does', limit: 50 }));
  const { structuredContent } = found;
  assert.ok(isJsonObject(structuredContent) && Array.isArray(structuredContent['tools']));
  const shown = structuredContent['tools'].map((tool: Json) => isJsonObject(tool) && tool['name']);
  assert.deepEqual(new Set(shown), new Set(['up__read', 'up__send']));
  assert.equal(
    resultOf(await call('describe_tool', { name: 'up__read' }))['isError'] ?? false,
    false,
  );
  const hidden = textOf(await call('describe_tool', { name: 'up__wipe' }));
  const absent = textOf(await call('describe_tool', { name: 'up__gone' }));
  assert.equal(hidden.replace('up__wipe', 'up__gone'), absent);
});

test('a call asks nothing here, hidden or not: it is decided where all calls are', async () => {
  for (const search of ['never', 'always'] as const) {
    const { ask, asked, outside } = open({ search });
    const direct = { name: 'up__wipe', arguments: {} };
    await ask('tools/call', search === 'never' ? direct : { name: 'call_tool', arguments: direct });
    assert.deepEqual([asked(), outside.arrivals.length], [0, 1]);
  }
});

test('when policy cannot be asked there is no list', async () => {
  const outside = createOutside();
  outside.offer({ up: { tools: [listedTool('read')] } });
  const visible = async (): Promise<never> => {
    throw new HostError('overloaded', 'not now');
  };
  const { ask } = openCore({ ...outside, relay: { ...outside.relay, visible } });
  assert.match(errorOf(await ask('tools/list'))[1], /not now/);
});

test('a change of what may be seen is a change of the tools, for every client', () => {
  const { core, outside } = open({ servers: ['none-of-these'] });
  const heard: FacadeChange[] = [];
  const stop = core.onChange({ principal: ann, capabilities: {}, era: 'legacy' }, (change) =>
    heard.push(change),
  );
  outside.change({ type: 'visibility' });
  stop();
  assert.deepEqual(heard, [{ type: 'tools' }]);
});

test('whatever was listed before, a list has exactly what is visible', async () => {
  const all = Array.from({ length: 6 }, (_, at) => `tool_${at}`);
  const outside = createOutside();
  outside.offer({ up: { tools: all.map((name) => listedTool(name)) } });
  let seen: ReadonlySet<string> = new Set();
  const visible = async (): Promise<ReadonlySet<string>> => seen;
  const { ask } = openCore({ ...outside, relay: { ...outside.relay, visible } });
  const known = all.map((name) => `up__${name}`);
  // Many more sets than lists that are kept.
  await fc.assert(
    fc.asyncProperty(fc.subarray(known), async (some) => {
      seen = new Set(some);
      assert.deepEqual(namesOf(await ask('tools/list'), 'tools'), some);
    }),
    { numRuns: 100 },
  );
});
