import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';

/** What plays the model in the demo. */
export type DemoModel = 'auto' | 'demo' | 'openai' | 'anthropic' | 'gemini' | 'ollama';

/** A model that can play the agent, and what lays it over the configuration of the demo. */
export interface ModelChoice {
  readonly title: string;
  /** `key=value` settings; none for the demo model, which the configuration has already. */
  readonly settings: readonly string[];
}

type RealModel = Exclude<DemoModel, 'auto' | 'demo'>;

interface RealProvider {
  readonly title: string;
  readonly type: string;
  readonly apiKeyName?: string;
  readonly baseUrl?: string;
  readonly model: string;
}

const ollamaUrl = 'http://127.0.0.1:11434';
const ollamaTimeoutMs = 500;

const providers: Readonly<Record<RealModel, RealProvider>> = {
  openai: {
    title: 'OpenAI',
    type: 'openai-responses',
    apiKeyName: 'OPENAI_API_KEY',
    model: 'gpt-5-mini',
  },
  anthropic: {
    title: 'Anthropic',
    type: 'anthropic',
    apiKeyName: 'ANTHROPIC_API_KEY',
    model: 'claude-haiku-4-5',
  },
  gemini: {
    title: 'Google Gemini',
    type: 'gemini',
    apiKeyName: 'GEMINI_API_KEY',
    model: 'gemini-2.5-flash',
  },
  ollama: { title: 'Ollama', type: 'openai-chat', baseUrl: `${ollamaUrl}/v1`, model: 'qwen3' },
};

const demoChoice: ModelChoice = {
  title: 'the demo model (offline, follows fixed rules, no language model)',
  settings: [],
};

/** What plays the model: what the flag says, or what a person picks from what is set up on this machine. */
export async function chooseModel(
  context: Pick<CliContext, 'environment' | 'ask'>,
  options: {
    readonly model: DemoModel;
    readonly name: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<ModelChoice> {
  const { model, name, signal } = options;
  const { environment } = context;
  if (model === 'demo') return demoChoice;
  if (model !== 'auto') {
    refuseWithoutKey(model, environment);
    return realChoice(model, name ?? (await ollamaName(model)));
  }
  if (context.ask === undefined) return demoChoice;
  const found = await findModels(environment);
  const [first] = found;
  if (first === undefined) return demoChoice;
  const titles = found.map((choice, index) => `${index + 1} = ${providers[choice].title}`);
  const line = await context.ask(
    `A real model can play the agent: ${titles.join(', ')}. Number, or Enter for the offline demo model: `,
    signal,
  );
  const picked = found[Number(line.trim()) - 1];
  return picked === undefined ? demoChoice : realChoice(picked, name ?? (await ollamaName(picked)));
}

/** Before the configuration does it, which would name a setting that nobody wrote. */
function refuseWithoutKey(model: RealModel, environment: CliContext['environment']): void {
  const { title, apiKeyName } = providers[model];
  if (apiKeyName === undefined || environment[apiKeyName]) return;
  throw new CommandError(
    exitCodes.configInvalid,
    `${title} needs a key, and ${apiKeyName} is not set`,
    `set ${apiKeyName}, or take the offline model with --model demo`,
  );
}

async function findModels(environment: CliContext['environment']): Promise<readonly RealModel[]> {
  const names = ['openai', 'anthropic', 'gemini'] as const;
  const withKey = names.filter((name) => environment[providers[name].apiKeyName ?? '']);
  return (await ollamaName('ollama')) === undefined ? withKey : [...withKey, 'ollama'];
}

function realChoice(model: RealModel, name: string | undefined): ModelChoice {
  const { title, type, apiKeyName, baseUrl, model: usual } = providers[model];
  const provider = {
    name: model,
    type,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKeyName === undefined ? {} : { apiKey: `\${env:${apiKeyName}}` }),
    models: [{ id: model, model: name ?? usual }],
  };
  return {
    title: `${title}, ${name ?? usual}`,
    settings: [`providers=${JSON.stringify([provider])}`, `agents.0.model=${model}`],
  };
}

/** The first model that a local Ollama has; undefined when none answers. */
async function ollamaName(model: RealModel): Promise<string | undefined> {
  if (model !== 'ollama') return undefined;
  try {
    const answer = await fetch(`${ollamaUrl}/api/tags`, {
      signal: AbortSignal.timeout(ollamaTimeoutMs),
    });
    return readModelName(await answer.json());
  } catch {
    return undefined;
  }
}

function readModelName(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('models' in answer)) return undefined;
  const models: unknown = answer.models;
  const first: unknown = Array.isArray(models) ? models[0] : undefined;
  if (typeof first !== 'object' || first === null || !('name' in first)) return undefined;
  return typeof first.name === 'string' ? first.name : undefined;
}
