import { readFileSync } from 'node:fs';
import { HostError } from '@modelhost/kernel';
import type { Clock, LlmProvider } from '@modelhost/kernel';
import {
  createAnthropicProvider,
  createGeminiProvider,
  createOpenAiChatProvider,
  createOpenAiResponsesProvider,
  createScriptedProvider,
  readScript,
} from '@modelhost/llm-providers';
import type { HttpProviderOptions } from '@modelhost/llm-providers';
import { parse } from 'yaml';
import type { HostConfig } from './config/read-config.ts';
import type { ProviderConfig } from './config/tree.ts';

/** The providers of a configuration, by name. */
export function createProviders(
  config: HostConfig,
  clock: Clock,
): ReadonlyMap<string, LlmProvider> {
  return new Map(
    config.tree.providers.map((provider) => [
      provider.name,
      createProvider(provider, config, clock),
    ]),
  );
}

function createProvider(provider: ProviderConfig, config: HostConfig, clock: Clock): LlmProvider {
  switch (provider.type) {
    case 'openai-chat':
      return createOpenAiChatProvider(httpOptions(provider, config, 'https://api.openai.com/v1'));
    case 'openai-responses':
      return createOpenAiResponsesProvider(
        httpOptions(provider, config, 'https://api.openai.com/v1'),
      );
    case 'anthropic':
      return createAnthropicProvider(httpOptions(provider, config, 'https://api.anthropic.com/v1'));
    case 'gemini':
      return createGeminiProvider(
        httpOptions(provider, config, 'https://generativelanguage.googleapis.com/v1beta'),
      );
    case 'scripted':
      return createScriptedProvider({
        name: provider.name,
        script: readScriptFile(provider.scriptFile, config),
        setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      });
  }
}

function httpOptions(
  { name, baseUrl, apiKey, headers }: ProviderConfig,
  { reveal }: HostConfig,
  defaultUrl: string,
): HttpProviderOptions {
  return {
    name,
    baseUrl: baseUrl ?? defaultUrl,
    apiKey: apiKey === undefined ? undefined : reveal(apiKey),
    headers: revealAll(headers, reveal),
  };
}

function readScriptFile(scriptFile: string | undefined, { pathOf }: HostConfig) {
  if (scriptFile === undefined) return undefined;
  const text = readFileSync(pathOf(scriptFile), 'utf8');
  try {
    const value: unknown = parse(text, { logLevel: 'error', prettyErrors: false });
    return readScript(value);
  } catch (cause) {
    const problem = cause instanceof HostError ? cause.message : 'the script is no YAML';
    throw new HostError('config_invalid', `${scriptFile}: ${problem}`, { cause });
  }
}

/** Values with what their references stand for. */
export function revealAll(
  values: Readonly<Record<string, string>>,
  reveal: HostConfig['reveal'],
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, reveal(value)]));
}
