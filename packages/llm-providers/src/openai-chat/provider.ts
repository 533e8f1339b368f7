import type { LlmProvider } from '@modelhost/kernel';

import { createHttpProvider } from '../http-provider.ts';
import type { HttpProviderOptions } from '../http-provider.ts';
import { createReader } from './reader.ts';
import { createRequestBody } from './request.ts';
import type { OpenAiChatDialect } from './request.ts';

/** Options of {@link createOpenAiChatProvider}. */
export interface OpenAiChatProviderOptions extends HttpProviderOptions {
  /** Follows from the host of the base URL; to be set for a proxy in front of OpenAI or Mistral. */
  readonly dialect?: OpenAiChatDialect;
}

/** Chat completions: OpenAI, and vLLM, Ollama, Groq, Mistral, OpenRouter, DeepSeek and others that follow it. */
export function createOpenAiChatProvider(options: OpenAiChatProviderOptions): LlmProvider {
  const dialect = options.dialect ?? dialectOf(options.baseUrl);
  return createHttpProvider(options, {
    createHeaders: (apiKey) => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    createRequest: (request) => ({
      path: '/chat/completions',
      body: createRequestBody(request, dialect),
    }),
    createReader,
    checkPath: '/models',
  });
}

function dialectOf(baseUrl: string): OpenAiChatDialect {
  const host = URL.parse(baseUrl)?.hostname ?? '';
  if (/(?:^|\.)(?:api\.openai\.com|openai\.azure\.com)$/u.test(host)) return 'openai';
  return /(?:^|\.)mistral\.ai$/u.test(host) ? 'mistral' : 'compatible';
}
