/**
 * Programs of others on both sides of our façade: `npm run peers:mcp`. Five tool servers, one of them over HTTP too, and five
 * clients and an agent's run, each of which lists all tools and calls one tool of each server. Exits with 1 when anything is missing.
 */
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { openFacade } from './open-facade.ts';
import { runAgent } from './peers/agent-run.ts';
import { connectClients, type PeerClient } from './peers/clients.ts';
import { peerServers, referenceServer, type PeerServer } from './peers/servers.ts';

const canary = `canary-${randomUUID()}`;
// In the environment of this process too: a child that inherits anything would inherit it.
env['PEERS_CANARY'] = canary;
const folder = await realpath(await mkdtemp(join(tmpdir(), 'peers-')));
const problems: string[] = [];
await using opened = new AsyncDisposableStack();
opened.defer(async () => rm(folder, { recursive: true, force: true }));

const servers = peerServers(folder, await startEverything());
const expectedTools = servers.reduce((sum, { toolCount }) => sum + toolCount, 0);
const facade = opened.use(
  await openFacade({
    servers: servers.map(({ alias, transport }) => ({
      alias,
      transport:
        transport.type === 'http'
          ? { ...transport, headers: {} }
          : { ...transport, command: process.execPath },
    })),
    environment: { PATH: '/usr/bin:/bin', HOME: folder, PEERS_CANARY: canary },
    naming: 'prefix',
  }),
);

const clients = await connectClients(facade.url, folder);
for (const client of clients) {
  opened.defer(client.close);
  console.log(await describe(client));
}
for (const client of clients.slice(-1)) await checkEnvironment(client);
await checkAgentRun();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

/** One line of the table: how many tools the client sees, and which servers answered it. */
async function describe(client: PeerClient): Promise<string> {
  const tools = await client.list().catch((cause: unknown) => {
    problems.push(`${client.name}: no list of tools: ${String(cause)}`);
    return [];
  });
  if (tools.length !== expectedTools) {
    problems.push(`${client.name}: ${tools.length} of ${expectedTools} tools`);
  }
  const answered: string[] = [];
  for (const server of servers) {
    const problem = await tryCall(client, server);
    if (problem === undefined) answered.push(server.alias);
    else problems.push(`${client.name}: ${server.alias}: ${problem}`);
  }
  return `${client.name.padEnd(20)} ${String(tools.length).padStart(3)} tools, called ${answered.join(', ')}`;
}

async function tryCall(
  client: PeerClient,
  { alias, call }: PeerServer,
): Promise<string | undefined> {
  try {
    const answer = await client.call(`${alias}__${call.tool}`, call.arguments);
    if (call.expected.test(answer)) return undefined;
    return `${call.tool} answered ${answer.slice(0, 300)}`;
  } catch (cause) {
    return String(cause);
  }
}

/** The same servers behind a whole host, used by an agent. */
async function checkAgentRun(): Promise<void> {
  const { toolsSeen, answered } = await runAgent(servers, (end) => opened.defer(end));
  console.log(
    `${'agent run over gRPC'.padEnd(20)} ${String(toolsSeen).padStart(3)} tools, called ${answered.join(', ')}`,
  );
  for (const { alias } of servers) {
    if (!answered.includes(alias)) problems.push(`agent run: ${alias} was not called well`);
  }
}

/** A tool server shows its own environment: nothing of ours may be in it. */
async function checkEnvironment(client: PeerClient): Promise<void> {
  const shown = await client.call('everything__get-env', {});
  if (!shown.includes('PATH'))
    problems.push(`get-env shows no environment: ${shown.slice(0, 200)}`);
  if (shown.includes(canary)) problems.push('get-env shows the environment of the gateway');
}

/** The reference server over HTTP, which has to be told its port. */
async function startEverything(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  probe.close();
  await once(probe, 'close');
  const child = spawn(process.execPath, [referenceServer('everything'), 'streamableHttp'], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  opened.defer(async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  // It says on stderr that it listens.
  await once(child.stderr, 'data');
  return `http://127.0.0.1:${port}/mcp`;
}
