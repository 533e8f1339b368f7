import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { restartHost, startHost } from '../start-host.ts';
import type { HostProcess, Owner } from '../start-host.ts';
import { toolsReady } from '../tools-ready.ts';
import { textOf } from './canary.ts';
import { longTextOf, nestedIn, prose, resultBytesMax, withNumber } from './planted-texts.ts';
import { startCanaryProvider } from './canary-provider.ts';
import type { CanaryProvider } from './canary-provider.ts';
import type { ServerTexts } from './canary-server.ts';
import { createPlan } from './plan.ts';
import type { Place, Plan } from './plan.ts';
import type { Output } from './search.ts';

/** A host among things that say what they must not. */
export interface CanaryWorld {
  readonly plan: Plan;
  /** The text with the canaries of a place. */
  readonly text: (place: Place) => string;
  readonly host: HostProcess;
  readonly client: ModelHostClient;
  readonly provider: CanaryProvider;
  /** What the tool server got, arguments and environment. */
  notes(): Promise<Output>;
}

const server = fileURLToPath(new URL('canary-server.ts', import.meta.url));

/** Whether the host hides anything. */
export type Hiding = 'on' | 'off';

const policies = '@id("all") @message("all is permitted") permit (principal, action, resource);';
const addresses = `
@id("addresses") @message("they are hidden") @oblige("redact") @detectors("email,card") @style("token")
permit (principal, action, resource);`;

/** Starts it, in a process of its own; all of it ends with its owner. */
export async function startCanaryWorld(owner: Owner, hiding: Hiding): Promise<CanaryWorld> {
  const plan = createPlan();
  const text = (place: Place): string => textOf(plan.of(place));
  const provider = await startCanaryProvider(owner, {
    answer: text('answer'),
    toolName: plan.of('tool-name')[0]?.value ?? '',
    arguments: withNumber({ text: text('argument') }, plan.of('argument')),
    error: `${text('provider-error')} ${plan.own['api-key'].value}`,
    header: encodeURIComponent(text('provider-header')),
    broken: text('broken'),
  });
  const texts: ServerTexts = {
    result: text('result'),
    structured: nestedIn(plan.of('structured')),
    address: `https://files.example.org/a?token=${plan.of('address')[0]?.value ?? ''}`,
    long: longTextOf(plan.of('long')),
    error: prose + text('tool-error'),
    errorData: nestedIn(plan.of('error-data')),
    progress: prose + text('progress'),
    stderr: text('stderr'),
    description: text('description'),
    refusal: '',
  };
  const host = await startHost(owner, {
    config: createConfig(plan, provider.url, hiding),
    files: {
      'policies/all.cedar': policies,
      ...(hiding === 'on' ? { 'policies/oblige/addresses.cedar': addresses } : {}),
      'texts.json': JSON.stringify(texts),
      'refusal.json': JSON.stringify({ ...texts, refusal: prose + text('server-error') }),
      'api-key.txt': plan.own['api-key'].value,
      'header.txt': plan.own.header.value,
      'password.txt': plan.own.environment.value,
      'notes.txt': '',
    },
  });
  return {
    plan,
    text,
    host,
    client: await connect(owner, host, plan),
    provider,
    notes: async () => ({
      name: 'what the tool server got',
      bytes: await readFile(join(host.directory, 'notes.txt')),
    }),
  };
}

/** The same world after its host was killed: another host goes on where that one was. */
export async function restartCanaryWorld(owner: Owner, world: CanaryWorld): Promise<CanaryWorld> {
  const host = await restartHost(owner, world.host);
  return { ...world, host, client: await connect(owner, host, world.plan) };
}

async function connect(
  owner: Owner,
  { grpcAddress }: HostProcess,
  { own }: Plan,
): Promise<ModelHostClient> {
  // The host has no keys, so it takes any.
  const client = createModelHostClient({ address: grpcAddress, apiKey: own['caller-key'].value });
  owner.after(async () => client.close());
  await toolsReady(client, 'tools');
  return client;
}

function createConfig(plan: Plan, providerUrl: string, hiding: Hiding): object {
  const terms = plan.all.flatMap(({ kind, value }) => (kind === 'term' ? [value] : []));
  return {
    server: { port: 0, healthPort: 0, dataDirectory: 'data' },
    mcp: { port: 0 },
    providers: [
      {
        name: 'canary',
        type: 'openai-chat',
        baseUrl: providerUrl,
        apiKey: '${file:api-key.txt}',
        headers: { 'x-tenant': '${file:header.txt}' },
        models: [{ id: 'canary', model: 'm' }],
      },
    ],
    agents: [{ id: 'worker', model: 'canary', tools: ['tools__*'] }],
    tools: {
      servers: [
        {
          alias: 'tools',
          command: process.execPath,
          args: [server, 'texts.json', 'notes.txt'],
          cwd: '.',
          env: { CANARY_PASSWORD: '${file:password.txt}' },
          resultBytesMax,
        },
        {
          alias: 'broken',
          command: process.execPath,
          args: [server, 'refusal.json', 'notes.txt'],
          cwd: '.',
        },
      ],
    },
    policies: { directory: 'policies' },
    redaction: { terms, always: hiding === 'on' ? { secrets: 'token', term: 'token' } : {} },
    telemetry: { logLevel: 'trace' },
  };
}
