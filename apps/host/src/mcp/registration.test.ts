import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { DescMessage } from '@bufbuild/protobuf';
import { AgentService, SystemService, ToolService } from '@modelhost/contracts';
import { createConfigDirectory, good } from '../fixtures/configurations.ts';
import { askMcp } from '../fixtures/mcp-request.ts';
import { keys, startTestHost } from '../fixtures/started-host.ts';
import { readToolServers } from '../tool-servers.ts';

const directory = createConfigDirectory();
after(() => directory.remove());

/** What would name a program, where it is, or what it gets. */
const ofPrograms = /^(?:command|cmd|args?|argv|env|environment|cwd|exec|shell|transport)$/i;

function fieldsOf(message: DescMessage, seen = new Set<string>()): readonly string[] {
  if (seen.has(message.typeName)) return [];
  seen.add(message.typeName);
  return message.fields.flatMap((field) => [
    `${message.typeName}.${field.name}`,
    ...(field.message === undefined ? [] : fieldsOf(field.message, seen)),
  ]);
}

test('abuse A2: no request of the contract names a program, its arguments or its environment', () => {
  const fields = [AgentService, ToolService, SystemService].flatMap(({ methods }) =>
    methods.flatMap(({ input }) => fieldsOf(input)),
  );
  assert.ok(fields.length > 20);
  assert.deepEqual(
    fields.filter((field) => ofPrograms.test(field.split('.').at(-1) ?? '')),
    [],
  );
});

test('abuse A2: reading a configuration starts nothing that it names', () => {
  const mark = join(dirname(directory.file), 'started');
  const config = directory.read(
    good.replace('command: files-server', `command: sh\n      args: [-c, "touch ${mark}"]`),
  );
  assert.equal(readToolServers(config)[0]?.transport.type, 'stdio');
  assert.ok(!existsSync(mark));
});

test('abuse A2: what an MCP client sends is never a program to start', async () => {
  await using started = await startTestHost({ mcp: { port: 0 } });
  const mark = join(started.directory, 'started');
  const program = { command: 'touch', args: [mark], env: {}, url: `file://${mark}` };
  for (const method of [
    'tools/call',
    'tools/list',
    'server/discover',
    'servers/add',
    'initialize',
  ]) {
    const response = await askMcp(`http://${started.host.mcpAddress}/mcp`, method, {
      params: { name: 'x', ...program, arguments: program },
      bearer: keys.alice.key,
      capabilities: { transport: program },
    });
    await response.text();
  }
  assert.ok(!existsSync(mark));
  assert.deepEqual((await started.connect().listTools()).servers, []);
});
