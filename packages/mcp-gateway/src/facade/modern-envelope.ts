import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, Principal } from '@modelhost/kernel';
import { isLogLevel } from '../log-level.ts';
import type { RpcError } from '../relay.ts';
import type { FacadeCaller } from './core-types.ts';
import { modernVersions } from './dispatch.ts';
import { relayedMeta } from './relayed-meta.ts';
import { invalidParams, rpcCodes } from './rpc-errors.ts';

const prefix = 'io.modelcontextprotocol/';
const versionKey = `${prefix}protocolVersion`;
const capabilitiesKey = `${prefix}clientCapabilities`;
const logLevelKey = `${prefix}logLevel`;

/** What a request of 2026-07-28 says about itself. */
export interface ModernEnvelope {
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly logLevel: string | undefined;
  readonly progressToken: string | number | undefined;
  /** What of it goes on to the upstream. */
  readonly meta: JsonObject;
}

/** Reads `_meta`. Whether the version is one of ours is asked later, with {@link unsupportedVersion}. */
export function readEnvelope(params: JsonObject): ModernEnvelope | { readonly error: RpcError } {
  const { _meta: meta } = params;
  if (!isJsonObject(meta)) return refused('params._meta must be an object');
  const {
    [versionKey]: version,
    [capabilitiesKey]: capabilities,
    [logLevelKey]: logLevel,
    progressToken,
  } = meta;
  if (typeof version !== 'string') return refused(`params._meta["${versionKey}"] must be a text`);
  if (!isJsonObject(capabilities)) {
    return refused(`params._meta["${capabilitiesKey}"] must be an object`);
  }
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    return refused(`params._meta["${logLevelKey}"] must be a log level`);
  }
  if (progressToken !== undefined && !isProgressToken(progressToken)) {
    return refused('params._meta.progressToken must be a text or a whole number');
  }
  return { version, capabilities, logLevel, progressToken, meta: relayedMeta(meta) };
}

/** Why a version cannot be spoken; undefined for one that can. */
export function unsupportedVersion(version: string): RpcError | undefined {
  if (modernVersions.includes(version)) return undefined;
  return {
    code: rpcCodes.unsupportedVersion,
    message: 'Unsupported protocol version',
    data: { supported: modernVersions, requested: version.slice(0, 64) },
  };
}

/** Who asks. */
export function toCaller(envelope: ModernEnvelope, principal: Principal): FacadeCaller {
  return { principal, capabilities: envelope.capabilities, era: 'modern' };
}

function isProgressToken(value: unknown): value is string | number {
  return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value));
}

function refused(message: string): { readonly error: RpcError } {
  return { error: invalidParams(message) };
}
