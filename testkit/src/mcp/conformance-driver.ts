/**
 * What the official suite starts as a client: `node conformance-driver.ts URL`. The URL becomes a tool server of our
 * gateway, and all that it offers is used once by way of the relay, as agent runs and façades do it. Exits with 1 when the
 * server cannot be used at all; everything else the suite judges by what it saw.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJsonSchemas } from '@modelhost/json-schema';
import { createMcpGateway, toolServerDefaults } from '@modelhost/mcp-gateway';
import { readContext, toCredential } from './driver/context.ts';
import { createHeadlessUser } from './driver/headless-user.ts';
import { useEverything } from './driver/use-everything.ts';

const url = process.argv.at(-1) ?? '';
const {
  MCP_CONFORMANCE_SCENARIO: scenario = '',
  MCP_CONFORMANCE_CONTEXT: contextText,
  PATH,
} = process.env; // oxlint-disable-line node/no-process-env
const context = readContext(contextText);
const folder = await mkdtemp(join(tmpdir(), 'driver-'));
const server = 'suite';
const gateway = createMcpGateway({
  servers: [
    {
      ...toolServerDefaults,
      alias: server,
      transport: { type: 'http', url, headers: {} },
      credential: await toCredential({ name: scenario, url, context, folder }),
      effects: { '*': 'none' },
      start: 'lazy',
      connectTimeoutMs: 60_000,
      allowPrivateNetwork: true,
    },
  ],
  schemas: createJsonSchemas(),
  clientVersion: '0.1.0',
  environment: { PATH },
  pinStore: { load: async () => ({ servers: {} }), save: async () => undefined },
  idTokenFor: async () => context.texts['idp_id_token'] ?? '',
  onLog: ({ message }) => console.error(message),
});

try {
  const user = createHeadlessUser(gateway);
  await user.authorize(server);
  await useEverything({ gateway, user, server, wanted: context.toolCalls });
} catch (cause) {
  console.error(cause);
  process.exitCode = 1;
} finally {
  await gateway.close();
  await rm(folder, { recursive: true });
}
