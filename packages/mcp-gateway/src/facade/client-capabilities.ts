import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { InputRequest } from '../relay.ts';
import { tasksExtension } from '../tasks-extension.ts';

/** What a client must declare to be given a task. */
export const tasksCapability: JsonObject = { extensions: { [tasksExtension]: {} } };

/** The capabilities that the client lacks for the requests of a server; undefined when it can be asked all of them. */
export function lackingFor(
  requests: Readonly<Record<string, InputRequest>>,
  capabilities: JsonObject,
): JsonObject | undefined {
  const lacking: Record<string, Json> = {};
  for (const request of Object.values(requests)) {
    const [name, required] = requiredFor(request);
    const declared = capabilities[name];
    if (!isJsonObject(declared) || !covers(name, declared, required)) lacking[name] = required;
  }
  return Object.keys(lacking).length === 0 ? undefined : lacking;
}

function requiredFor({ method, params }: InputRequest): readonly [string, JsonObject] {
  switch (method) {
    case 'elicitation/create':
      return ['elicitation', params['mode'] === 'url' ? { url: {} } : {}];
    case 'sampling/createMessage':
      return ['sampling', Array.isArray(params['tools']) ? { tools: {} } : {}];
    case 'roots/list':
      return ['roots', {}];
  }
}

/** A client that names modes of elicitation can do those only; one that names none can do forms. */
function covers(name: string, declared: JsonObject, required: JsonObject): boolean {
  const members = Object.keys(required);
  if (members.length > 0) return members.every((member) => isJsonObject(declared[member]));
  return name !== 'elicitation' || declared['url'] === undefined || declared['form'] !== undefined;
}
