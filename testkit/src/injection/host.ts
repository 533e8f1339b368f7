import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ToolDefinition } from '@modelhost/kernel';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { startHost } from '../end-to-end/start-host.ts';
import type { Owner } from '../end-to-end/start-host.ts';
import { toolsReady } from '../end-to-end/tools-ready.ts';
import type { Stage } from './stage.ts';
import type { World } from './world.ts';

const policyPath = fileURLToPath(new URL('../../../examples/policies/default', import.meta.url));

/** Two people of one tenant. */
export interface People {
  /** Hands in the tasks. */
  readonly user: ModelHostClient;
  /** Answers what is asked of people. Some of it is for somebody else than the one who handed in the task. */
  readonly approver: ModelHostClient;
}

/** What a host is started with. */
export interface HostWorld {
  readonly stages: readonly Stage[];
  readonly world: World;
  readonly policies: PolicyFiles;
}

/** Rules by which everything is allowed. */
export const openPolicy: PolicyFiles = {
  'policies/open.cedar':
    '@id("open") @message("all is allowed") permit (principal, action, resource);',
};

/** Rules by their path. */
type PolicyFiles = Readonly<Record<string, string>>;

/** Starts a host under these rules, with the tool server and the model of each stage, and connects to it. */
export async function startHostFor(
  owner: Owner,
  { stages, world, policies }: HostWorld,
): Promise<People> {
  const keys = { user: createKey('user'), approver: createKey('approver') };
  const model = { id: 'played', model: 'played', contextTokens: 10_000_000 };
  const host = await startHost(owner, {
    config: {
      server: {
        port: 0,
        healthPort: 0,
        dataDirectory: 'data',
        auth: { apiKeys: [keys.user.entry, keys.approver.entry] },
      },
      providers: [
        { name: 'played', type: 'openai-chat', baseUrl: world.modelUrl, models: [model] },
      ],
      agents: stages.map(({ alias }) => ({
        id: alias,
        model: 'played',
        tools: [`${alias}__*`],
        toolSearch: 'never',
        budget: { maxTokens: 1_000_000_000, maxSteps: 1_000, maxToolCalls: 500 },
      })),
      tools: { servers: stages.map((stage) => toolServer(stage, world)) },
      policies: { directory: 'policies' },
    },
    files: policies,
  });
  const connect = ({ apiKey }: { readonly apiKey: string }): ModelHostClient => {
    const client = createModelHostClient({ address: host.grpcAddress, apiKey });
    owner.after(async () => client.close());
    return client;
  };
  const people = { user: connect(keys.user), approver: connect(keys.approver) };
  await toolsReady(people.user, ...stages.map(({ alias }) => alias));
  return people;
}

/** A key of a person, as the person has it and as the configuration has it. */
function createKey(subject: string): { readonly apiKey: string; readonly entry: object } {
  const apiKey = `mh_${subject}_${randomBytes(32).toString('base64url')}`;
  const hash = `sha256:${createHash('sha256').update(apiKey).digest('hex')}`;
  return { apiKey, entry: { id: subject, hash, tenant: 'acme', subject } };
}

/** The policy that the repository ships. */
export async function readDefaultPolicy(): Promise<PolicyFiles> {
  const names = await readdir(policyPath, { recursive: true });
  const files = names
    .filter((name) => name.endsWith('.cedar'))
    .map(async (name) => [`policies/${name}`, await readFile(`${policyPath}/${name}`, 'utf8')]);
  return Object.fromEntries(await Promise.all(files));
}

/** What the operator writes down of the tools of a stage. */
function toolServer({ alias, tools }: Stage, world: World): object {
  const by = (read: (tool: ToolDefinition) => unknown): object =>
    Object.fromEntries(
      tools.flatMap((tool) => {
        const value = read(tool);
        return value === undefined ? [] : [[tool.serverTool, value]];
      }),
    );
  return {
    alias,
    url: world.toolUrl(alias),
    allowPrivateNetwork: true,
    effects: by(({ effect }) => effect),
    integrity: by(({ integrity }) => integrity),
    decisionArguments: by(({ decisionArguments }) => decisionArguments),
    egress: by(({ egress }) => egress),
    confidentiality: by(({ confidentiality }) => confidentiality),
    references: by(({ references }) => references),
  };
}
