import { z } from 'zod';
import type { McpConfig } from './mcp-tree.ts';
import { alias } from './tools-schema.ts';
import { count, day, milliseconds, name, port, text } from './values.ts';

const issuer = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).describe('The `iss` of its tokens.'),
  jwksUrl: z.url({ protocol: /^https?$/ }).describe('Where its public keys are.'),
  audience: text.optional().describe('The `aud` of its tokens; without: the address of the view.'),
  algorithms: z
    .array(
      z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']),
    )
    .min(1)
    .default(['RS256', 'ES256', 'EdDSA']),
  tenant: name.optional().describe('Tenant of everybody it knows; without: by the claim.'),
  tenantClaim: text.default('tenant').describe('Claim that names the tenant.'),
  tenants: z
    .array(name)
    .min(1)
    .max(10_000)
    .optional()
    .describe('Tenants that the claim may name; without: any, so the issuer has to be your own.'),
  rolesClaim: text.default('roles').describe('Claim that lists the roles.'),
  roles: z
    .array(name)
    .max(1_000)
    .optional()
    .describe('Roles that the claim may give; without: any.'),
  scopes: z.array(text).max(64).default([]).describe('Scopes that a token must have.'),
});

const view = z.strictObject({
  name: name.describe('It is served at /mcp/<name>; `default` at /mcp too.'),
  naming: z
    .union([z.enum(['prefix', 'none', 'on-collision']), z.record(text, text)])
    .default('prefix')
    .describe('How tools are called here; or a map from alias__tool to the name.'),
  servers: z.array(alias).max(1_000).optional().describe('The only servers seen; without: all.'),
  tools: z
    .array(text)
    .max(10_000)
    .optional()
    .describe('The only tools seen, as alias__tool; without: all.'),
  search: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe('Offers a search instead of the tools; auto: when there are very many.'),
  taskAfterMs: milliseconds(1, day)
    .optional()
    .describe('A longer call becomes a task for clients that know tasks; without: never.'),
});

/** The façade for MCP clients. */
export const mcp: z.ZodType<McpConfig> = z.strictObject({
  host: z.string().min(1).optional().describe('Address of the listener; without: as server.host.'),
  port: port.default(7444).describe('Port of the listener; 0 takes a free one.'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('How clients reach it, without /mcp; without: its own address.'),
  allowedHosts: z
    .array(text)
    .max(100)
    .default([])
    .describe('Names in the Host header beside those of the listener and of publicUrl.'),
  allowedOrigins: z
    .array(text)
    .max(100)
    .default([])
    .describe('Origins of web pages that may ask; without: none.'),
  maxConnections: count(1, 100_000).default(1_000).describe('Connections to the listener.'),
  maxSessions: count(1, 100_000).default(1_000).describe('Sessions of clients before 2026-07-28.'),
  maxBodyBytes: count(1_024, 67_108_864).default(4_194_304).describe('Size of one request.'),
  issuers: z
    .array(issuer)
    .max(16)
    .default([])
    .describe('Whose access tokens are taken beside the API keys of server.auth.'),
  views: z
    .array(view)
    .min(1)
    .max(100)
    .default([{ name: 'default', naming: 'prefix', search: 'auto' }]),
});
