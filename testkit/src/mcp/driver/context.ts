import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '@modelhost/kernel';
import type { ToolServerSpec } from '@modelhost/mcp-gateway';

/** A call that the suite wants to see. */
export interface WantedCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Members of the suite's context, by their names there; each scenario has some of them. */
export interface SuiteContext {
  readonly texts: Readonly<Record<string, string>>;
  readonly toolCalls: readonly WantedCall[];
}

/** The redirect URL of a host that nobody has to listen at: the answer is read from the redirect itself. */
const redirectUrl = 'http://localhost:3000/oauth/callback';
const clientMetadataUrl = 'https://conformance-test.local/client-metadata.json';

/** What the suite gives a scenario, from the environment. */
export function readContext(text = '{}'): SuiteContext {
  const value: unknown = JSON.parse(text);
  const members = Object.entries(isJsonObject(value) ? value : {});
  const calls = members.flatMap(([name, member]) => (name === 'toolCalls' ? member : []));
  return {
    texts: Object.fromEntries(
      members.flatMap(([name, member]) => (typeof member === 'string' ? [[name, member]] : [])),
    ),
    toolCalls: Array.isArray(calls) ? calls.flatMap(readCall) : [],
  };
}

function readCall(value: unknown): readonly WantedCall[] {
  if (!isJsonObject(value)) return [];
  const { name, arguments: values } = value;
  return typeof name === 'string' && isJsonObject(values) ? [{ name, arguments: values }] : [];
}

/** Which scenario the suite plays, where, and with what. */
export interface SuiteScenario {
  readonly name: string;
  readonly url: string;
  readonly context: SuiteContext;
  /** For files that the configuration needs. */
  readonly folder: string;
}

/** What an operator would configure for the scenario. */
export async function toCredential({
  name,
  url,
  context,
  folder,
}: SuiteScenario): Promise<ToolServerSpec['credential']> {
  const { texts } = context;
  const {
    client_id: clientId,
    client_secret: clientSecret,
    private_key_pem: privateKeyPem,
  } = texts;
  if (clientId === undefined) {
    if (!name.startsWith('auth/')) return { type: 'none' };
    return { type: 'user-oauth', redirectUrl, clientMetadataUrl, allowRegistration: true };
  }
  const validJwt = texts['valid_jwt'];
  const issuer = texts['issuer'] ?? (await readIssuer(url));
  const { idp_token_endpoint: identityTokenEndpoint, idp_client_id: identityClientId } = texts;
  if (clientSecret !== undefined && identityTokenEndpoint !== undefined) {
    const identity = { identityTokenEndpoint, identityClientId: identityClientId ?? '' };
    return { type: 'enterprise-managed', issuer, clientId, clientSecret, ...identity };
  }
  if (privateKeyPem !== undefined) {
    const key = { privateKeyPem, algorithm: 'ES256' } as const;
    return { type: 'private-key-jwt', issuer, clientId, key };
  }
  if (validJwt !== undefined) {
    const assertionFile = join(folder, 'assertion');
    await writeFile(assertionFile, validJwt);
    return { type: 'workload-identity', issuer, clientId, assertionFile };
  }
  if (clientSecret !== undefined && name.startsWith('auth/client-credentials')) {
    return { type: 'client-credentials', issuer, clientId, clientSecret };
  }
  const client = { issuer, clientId, ...(clientSecret === undefined ? {} : { clientSecret }) };
  return { type: 'user-oauth', redirectUrl, client, allowRegistration: false };
}

/** An operator knows the issuer; the suite leaves it to be looked up in some scenarios. */
async function readIssuer(url: string): Promise<string> {
  const { origin, pathname } = new URL(url);
  const about = new URL(`/.well-known/oauth-protected-resource${pathname}`, origin);
  const value: unknown = await (await fetch(about)).json();
  const servers = isJsonObject(value) ? value['authorization_servers'] : undefined;
  return Array.isArray(servers) ? String(servers[0]) : '';
}
