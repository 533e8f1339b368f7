import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { createJsonSchemas } from '@modelhost/json-schema';
import { isJsonObject } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';
import { parse } from 'yaml';
import { listConfig, printConfig } from './print-config.ts';
import { configJsonSchema } from './schema.ts';
import { createConfigDirectory, good } from '../fixtures/configurations.ts';

const directory = createConfigDirectory();
after(() => directory.remove());

test('a configuration without a fault is read, with its defaults', () => {
  const { tree, pathOf, reveal } = directory.read(good);
  assert.equal(tree.server.port, 0);
  assert.equal(tree.server.host, '127.0.0.1');
  assert.equal(tree.agents[0]?.budget.maxSteps, 50);
  assert.equal(tree.tools.servers[0]?.callTimeoutMs, 30_000);
  assert.equal(pathOf(tree.policies.directory ?? ''), join(dirname(directory.file), 'policies'));
  assert.equal(reveal(tree.providers[0]?.apiKey ?? ''), 'canary-1');
  assert.equal(reveal('Bearer ${env:MAIN_KEY}'), 'Bearer canary-1');
});

test('the environment is laid over the file, and flags over both', () => {
  const environment = { MAIN_KEY: 'k', MH__SERVER__MAXRUNSINFLIGHT: '7', MH__SERVER__PORT: '1' };
  const config = directory.read(good, environment, ['server.port=2', 'agents.0.budget.maxSteps=3']);
  assert.equal(config.tree.server.maxRunsInFlight, 7);
  assert.equal(config.tree.server.port, 2);
  assert.equal(config.tree.agents[0]?.budget.maxSteps, 3);
  assert.equal(config.originOf(['server', 'maxRunsInFlight']), 'MH__SERVER__MAXRUNSINFLIGHT');
  assert.equal(config.originOf(['server', 'port']), '--set server.port');
  assert.equal(config.originOf(['providers', 0, 'name']), `${directory.file}:4`);
  assert.equal(config.originOf(['server', 'maxConnections']), 'default');
});

test('a problem of an override names the override', () => {
  const environment = { MAIN_KEY: 'k', MH__SERVER__PORT: 'many' };
  assert.deepEqual(directory.problemsOf(good, environment, ['server.maxConnections=0']), [
    'MH__SERVER__PORT: server.port: must be a number',
    '--set server.maxConnections: server.maxConnections: must be at least 1',
  ]);
});

test('an override of a key that there is not is refused', () => {
  assert.deepEqual(directory.problemsOf(good, { MAIN_KEY: 'k', MH__SERVER__PROT: '1' }), [
    'MH__SERVER__PROT: server.PROT: unknown key; did you mean "port"?',
  ]);
  assert.deepEqual(directory.problemsOf(good, undefined, ['agents.7.model=large']), [
    '--set agents.7.model: agents.7.model: agents has 1 items and none at 7; count from 0',
  ]);
});

test('the environment names keys whatever their case, but its own names as they are written', () => {
  const environment = { MAIN_KEY: 'k', MH__TOOLS__SERVERS__0__ENV__HOST: 'x' };
  const { tree } = directory.read(good, environment, ['providers[0].models[0].model=other']);
  assert.deepEqual(tree.tools.servers[0]?.env, { HOST: 'x' });
  assert.equal(tree.providers[0]?.models[0]?.model, 'other');
});

test('an override of a whole map is the origin of what is in it', () => {
  const flags = ['server={ port: 1, healthPort: many }'];
  assert.deepEqual(directory.problemsOf(good, undefined, flags), [
    '--set server: server.healthPort: must be a number',
  ]);
  const config = directory.read(good, undefined, ['server={ port: 1 }']);
  assert.equal(config.originOf(['server', 'port']), '--set server');
  assert.equal(config.originOf(['server', 'maxConnections']), 'default');
});

test('an override that has no place is refused with what it would need', () => {
  const environment = { MAIN_KEY: 'k', MH__SERVER__PORT__X: '1', MH__PROVIDERS__MAIN__NAME: 'x' };
  assert.deepEqual(directory.problemsOf(good, environment, ['=1', 'providers.length=0']), [
    'MH__SERVER__PORT__X: server.port.X: server.port is no map; nothing can be set in it',
    'MH__PROVIDERS__MAIN__NAME: providers.MAIN.name: providers has 1 items and none at MAIN; count from 0',
    '--set : names no key; write it as in the file, such as server.port',
    '--set providers.length: providers.length: providers has 1 items and none at length; count from 0',
  ]);
});

test('an override cannot reach beyond the tree', () => {
  for (const flag of [
    '__proto__.polluted=1',
    'server.__proto__.polluted=1',
    'constructor.prototype.polluted=1',
  ]) {
    assert.notDeepEqual(directory.problemsOf(good, undefined, [flag]), [], flag);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  }
});

test('aliases that multiply are refused', () => {
  const laughs = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [one, other] of [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'd'],
    ['d', 'e'],
    ['e', 'f'],
  ]) {
    const items = Array.from({ length: 10 }, () => `*${one}`).join(', ');
    laughs.push(`${other}: &${other} [${items}]`);
  }
  assert.deepEqual(directory.problemsOf(laughs.join('\n')), [
    'host.yaml: the file repeats too much by aliases; write it out, or use at most 100',
  ]);
});

test('a file that is too large, too deep or too clever is refused', () => {
  assert.deepEqual(directory.problemsOf(`# ${'x'.repeat(1_048_576)}`), [
    'host.yaml: the file exceeds 1048576 bytes',
  ]);
  assert.deepEqual(directory.problemsOf(`server: ${'['.repeat(100_000)}`), [
    'host.yaml: the file is nested too deeply',
  ]);
  assert.deepEqual(directory.problemsOf(good.replace('files-server', '!run files-server')), [
    'host.yaml:18:16: Unresolved tag: !run',
  ]);
});

test('a credential in a header or in the environment of a tool server must be a reference', () => {
  const remedy = 'a secret must not stand here itself; write ${env:NAME} or ${file:/path}';
  const [server, header, variable] = ['tools.servers[0]', 'Authorization', 'GITHUB_TOKEN'];
  const lines = `url: http://127.0.0.1:9\n      headers: { ${header}: Bearer canary }\n      env: { ${variable}: canary, TOKENS: 'x' }`;
  const problems = directory.problemsOf(good.replace('command: files-server', lines));
  assert.deepEqual(problems, [
    `host.yaml:20:28: ${server}.env.${variable}: ${remedy}`,
    `host.yaml:19:33: ${server}.headers.${header}: ${remedy}`,
  ]);
});

test('a file that is no text of ours is refused with its place', () => {
  for (const yaml of ['', '[]', 'x', 'a: [', '\t- a', '--- 1\n--- 2', '%YAML 9\n---\n', '*none']) {
    const problems = directory.problemsOf(yaml);
    assert.notDeepEqual(problems, [], JSON.stringify(yaml));
    for (const line of problems)
      assert.match(line, /^host\.yaml(:\d+:\d+)?: /, JSON.stringify(yaml));
  }
});

test('nothing that is printed shows the value of a secret', () => {
  const config = directory.read(good.replace('${env:MAIN_KEY}', '${file:key}'));
  assert.equal(config.reveal('${file:key}'), 'from-a-file');
  for (const shown of [
    printConfig(config),
    JSON.stringify(config),
    inspect(config, { depth: 20 }),
    JSON.stringify(listConfig(config)),
  ]) {
    assert.ok(!shown.includes('from-a-file'));
  }
  assert.match(printConfig(config), /apiKey: \$\{file:key\}/);
});

test('every value has its origin', () => {
  const leaves = new Map(listConfig(directory.read(good)).map((leaf) => [leaf.key, leaf]));
  assert.deepEqual(leaves.get('agents[0].model'), {
    key: 'agents[0].model',
    value: 'large',
    origin: `${directory.file}:13`,
  });
  assert.equal(leaves.get('telemetry.logLevel')?.origin, 'default');
});

test('editors get a schema that knows the keys', () => {
  const schema: unknown = JSON.parse(JSON.stringify(configJsonSchema()));
  assert.ok(isJsonObject(schema));
  assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  const check = createJsonSchemas().compile(schema);
  assert.deepEqual(check(readYaml(good)), []);
  const bad = good.replace('port: 0', 'prot: 0').replace('command:', 'resultBytesMax:');
  assert.deepEqual(
    check(readYaml(bad)).map(({ field }) => field),
    ['server.prot', 'tools.servers[0].resultBytesMax'],
  );
});

function readYaml(text: string): Json {
  // It has nothing that JSON has not.
  return parse(text) as Json;
}
