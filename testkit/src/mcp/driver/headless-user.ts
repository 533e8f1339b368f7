import { isJsonObject, type Json, type JsonObject, type Principal } from '@modelhost/kernel';
import type { InputRequest, McpGateway } from '@modelhost/mcp-gateway';

/** Somebody at a client of ours who says yes to everything, and whose browser asks nothing. */
export interface HeadlessUser {
  readonly principal: Principal;
  /** In MCP's shape. */
  readonly capabilities: JsonObject;
  /** Lets the host act for them at the server, if the server wants that. */
  authorize(server: string): Promise<void>;
  answer(request: InputRequest): Promise<JsonObject>;
}

const attemptsMax = 3;

/** Every authorization goes back to the gateway. */
export function createHeadlessUser({ authorizations }: McpGateway): HeadlessUser {
  const principal = { tenant: 'acme', subject: 'ann', roles: [] };

  async function authorize(server: string): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const url = await authorizations.begin(principal, server); // oxlint-disable-line no-await-in-loop
      if (url === undefined) return;
      await open(url); // oxlint-disable-line no-await-in-loop
    }
    throw new Error(`${attemptsMax} authorizations were not enough`);
  }

  async function open(url: string): Promise<void> {
    const { headers } = await fetch(url, { redirect: 'manual' });
    const back = new URL(headers.get('location') ?? '').searchParams;
    const iss = back.get('iss');
    await authorizations.finish(principal, {
      state: back.get('state') ?? '',
      code: back.get('code') ?? '',
      ...(iss === null ? {} : { iss }),
    });
  }

  async function answer({ method, params }: InputRequest): Promise<JsonObject> {
    switch (method) {
      case 'elicitation/create': {
        const { mode, url, requestedSchema } = params;
        if (mode !== 'url' || typeof url !== 'string') {
          return { action: 'accept', content: sampleOf(requestedSchema) };
        }
        await open(url);
        return { action: 'accept' };
      }
      case 'sampling/createMessage': {
        const content = { type: 'text', text: 'an answer' };
        return { role: 'assistant', model: 'scripted', stopReason: 'endTurn', content };
      }
      case 'roots/list':
        return { roots: [] };
    }
  }

  const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
  return { principal, capabilities, authorize, answer };
}

/** A value that fits a schema of the suite: what it offers itself, else the plainest one. */
export function sampleOf(schema: Json | undefined): Json {
  if (!isJsonObject(schema)) return '';
  const { default: preset, enum: choices, type, properties } = schema;
  if (preset !== undefined) return preset;
  if (Array.isArray(choices)) return choices[0];
  if (type !== 'object') return typeof type === 'string' ? (plainest[type] ?? 'text') : 'text';
  const members = Object.entries(isJsonObject(properties) ? properties : {});
  return Object.fromEntries(members.map(([name, member]) => [name, sampleOf(member)]));
}

const plainest: Readonly<Record<string, Json>> = {
  number: 1,
  integer: 1,
  boolean: true,
  array: [],
};
