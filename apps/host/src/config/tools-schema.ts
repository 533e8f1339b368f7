import { z } from 'zod';
import type { ToolServerConfig } from './mcp-tree.ts';
import { count, day, labels, milliseconds, name, secret, text } from './values.ts';

/** Prefix of a server's tools. */
export const alias: z.ZodType<string> = z.string().regex(/^(?!client$)[a-z][a-z0-9-]{0,19}$/, {
  error: 'must be 1 to 20 of a-z, 0-9 and "-", beginning with a letter, and not "client"',
});

/** A letter may take six bytes in the journal, and what a step gives is bounded there. */
const resultBytes = count(256, 1_048_576, {
  error: 'must be at most 1048576: more of one result does not fit into the journal of a run',
});

const effect = z.enum(['none', 'idempotent', 'reversible', 'irreversible']);
/** By the tool's name at the server. */
const byTool = <Value extends z.ZodType>(value: Value) =>
  z.record(z.string().min(1).max(256), value).default({});
const confidentiality = z.enum(['public', 'internal', 'confidential', 'secret']);
const argumentNames = z.array(z.string().min(1).max(256)).max(64);
const fieldName = z.string().min(1).max(256);
const references = z.record(
  fieldName,
  z.strictObject({ field: fieldName, namedBy: z.exactOptional(fieldName) }),
);
const oauthUrl = z.url({ protocol: /^https?$/ });

const algorithm = z
  .enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384'])
  .default('RS256');
const client = {
  issuer: oauthUrl.describe('The only authorization server that gets the credential.'),
  clientId: text,
  scope: text.optional(),
};

const auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('client-credentials'), ...client, clientSecret: secret }),
  z.strictObject({
    type: z.literal('private-key-jwt'),
    ...client,
    privateKey: secret.describe('PKCS #8 in PEM, such as ${file:key.pem}.'),
    algorithm,
  }),
  z.strictObject({
    type: z.literal('user-oauth'),
    redirectUrl: oauthUrl.describe('Where the authorization server sends the person back to.'),
    clientMetadataUrl: oauthUrl.optional(),
    client: z
      .strictObject({ issuer: oauthUrl, clientId: text, clientSecret: secret.optional() })
      .optional()
      .describe('A client that was registered beforehand.'),
    allowRegistration: z.boolean().default(false),
    scope: text.optional(),
  }),
  z.strictObject({
    type: z.literal('token-exchange'),
    tokenEndpoint: oauthUrl,
    clientId: text,
    clientSecret: secret,
    clientAuthentication: z.enum(['basic', 'post']).default('basic'),
    subjectKey: secret.describe('Signs the word about the user; PKCS #8 in PEM.'),
    subjectAlgorithm: algorithm,
    subjectIssuer: text,
    audience: text.optional(),
    resource: text.optional(),
    scope: text.optional(),
  }),
]);

/** One tool server. */
export const toolServer: z.ZodType<ToolServerConfig> = z
  .strictObject({
    alias: alias.describe('Its tools are called alias__tool.'),
    command: text.optional().describe('Program of a server over stdio.'),
    args: z.array(z.string().max(4_096)).max(256).default([]).describe('Its arguments.'),
    env: labels
      .default({})
      .describe('Environment of the program; values may hold ${env:…} and ${file:…}.'),
    cwd: text.optional().describe('Directory that the program starts in.'),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address of a server over streamable HTTP.'),
    headers: labels
      .default({})
      .describe('Sent with each request; values may hold ${env:…} and ${file:…}.'),
    auth: auth.default({ type: 'none' }).describe('Which credential goes along over HTTP.'),
    allowPrivateNetwork: z
      .boolean()
      .default(false)
      .describe('Lets the url, and what it leads to, be an address of a private network.'),
    tenants: z.array(name).min(1).max(1_000).optional().describe('Who sees it; without: all.'),
    tools: z
      .array(z.string().min(1).max(256))
      .max(512)
      .optional()
      .describe('The only tools taken from it, by their name at the server; without: all.'),
    start: z.enum(['eager', 'lazy']).default('eager').describe('lazy: when it is first needed.'),
    idleMs: milliseconds(0, day)
      .default(0)
      .describe('It is disconnected after this long without a call; 0 for never.'),
    connectTimeoutMs: milliseconds(1, day)
      .default(15_000)
      .describe('Time to start or reach it, with the handshake.'),
    listTimeoutMs: milliseconds(1, day)
      .default(15_000)
      .describe('Time for a page of its catalogue.'),
    callTimeoutMs: milliseconds(1, day).default(30_000).describe('Time for a call.'),
    progressTimeoutMs: milliseconds(1, day)
      .default(30_000)
      .describe('Longest silence in a call; starts again with each progress.'),
    maxCallsInFlight: count(1, 10_000).default(64).describe('Further calls wait.'),
    maxCallsQueued: count(0, 100_000).default(256).describe('Further ones are refused.'),
    memoryBytesMax: count(16_777_216, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Resident memory of the program and all it starts; past it, it is ended.'),
    resultBytesMax: resultBytes.default(262_144).describe('What is longer is cut.'),
    replay: z
      .enum(['never', 'idempotent'])
      .default('never')
      .describe('idempotent: a call of a tool declared none or idempotent is sent again once.'),
    pinning: z
      .enum(['first-use', 'approve'])
      .default('first-use')
      .describe('Whether the first catalogue counts as approved. A later change never does.'),
    outputSchema: z
      .enum(['warn', 'deny'])
      .default('warn')
      .describe('What happens to a result that does not fit the output schema of its tool.'),
    effects: byTool(effect).describe(
      'What each tool may change, by its name at the server; * for the rest. Without: irreversible.',
    ),
    integrity: byTool(z.enum(['trusted', 'untrusted'])).describe(
      'Whether what a tool answers may be believed; * for the rest. Without: untrusted.',
    ),
    decisionArguments: byTool(argumentNames).describe(
      'Arguments that decide what a call does, such as a recipient.',
    ),
    egress: byTool(z.boolean()).describe(
      'Whether the arguments of a call may leave the house; * for the rest. Without: they may.',
    ),
    confidentiality: byTool(confidentiality).describe(
      'How confidential what a tool answers is; * for the rest. Without: internal.',
    ),
    clearance: byTool(confidentiality).describe(
      'The most confidential that arguments may be; * for the rest. Without: internal.',
    ),
    summedArguments: byTool(argumentNames).describe(
      'Whole numbers of which policy sees the sums over calls, such as an amount.',
    ),
    references: byTool(references).describe(
      'By argument: a field of the answers that only the server writes, and the one that names the thing.',
    ),
    roots: z
      .array(
        z.strictObject({
          uri: z.string().regex(/^file:/, { error: 'must begin with file:, as roots are folders' }),
          name: text,
        }),
      )
      .max(64)
      .default([])
      .describe('Folders told to the server when it asks for roots.'),
  })
  .refine((given) => (given.command === undefined) !== (given.url === undefined), {
    error: 'needs either a command (stdio) or a url (streamable HTTP)',
  })
  .refine((given) => given.command === undefined || given.auth.type === 'none', {
    path: ['auth'],
    error: 'is for servers over HTTP; give a program its secret in env',
  });
