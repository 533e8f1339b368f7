export { createAnthropicProvider } from './anthropic/provider.ts';
export type { ProviderBounds } from './bounds.ts';
export { createGeminiProvider } from './gemini/provider.ts';
export type { HttpProviderOptions } from './http-provider.ts';
export { createOpenAiChatProvider } from './openai-chat/provider.ts';
export type { OpenAiChatProviderOptions } from './openai-chat/provider.ts';
export type { OpenAiChatDialect } from './openai-chat/request.ts';
export { createOpenAiResponsesProvider } from './openai-responses/provider.ts';
