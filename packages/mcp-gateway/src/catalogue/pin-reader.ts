import { HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { digestOf } from './listed-tools.ts';
import type {
  ApprovedDefinition,
  PinRecords,
  SeenDefinition,
  ServerPins,
  ToolPin,
} from './pin-records.ts';

/**
 * Reads what was saved. Throws `storage_unavailable`, which names the file and the place, for anything else: pins that are
 * only half understood would let through what nobody approved.
 */
export function readPinRecords(text: string, path: string): PinRecords {
  try {
    const { format, version, servers } = readObject(parse(text), '$');
    if (format !== 'modelhost-pins') throw new PinsUnreadable('$.format', 'is not modelhost-pins');
    if (version !== 1) throw new PinsUnreadable('$.version', 'is not 1, the one this host knows');
    return { servers: readMembers(servers, '$.servers', readServer) };
  } catch (cause) {
    if (!(cause instanceof PinsUnreadable)) throw cause;
    const message = `${path}: is damaged (${cause.message}); put a saved copy in its place, or move it away and run \`model-host storage accept-loss pins\` to pin everything anew`;
    throw new HostError('storage_unavailable', message, {
      cause,
      facts: { reason: 'corrupt', path },
      violations: [{ field: cause.field, description: cause.description }],
    });
  }
}

class PinsUnreadable extends Error {
  readonly field: string;
  readonly description: string;

  constructor(field: string, description: string) {
    super(`${field} ${description}`);
    this.field = field;
    this.description = description;
  }
}

function parse(text: string): Json {
  try {
    return parseJsonText(text);
  } catch {
    throw new PinsUnreadable('$', 'is no JSON');
  }
}

function readServer(value: Json, field: string): ServerPins {
  const { setDigest, approvedSetDigest, tools } = readObject(value, field);
  return {
    setDigest: readString(setDigest, `${field}.setDigest`),
    approvedSetDigest: readString(approvedSetDigest, `${field}.approvedSetDigest`),
    tools: readMembers(tools, `${field}.tools`, readTool),
  };
}

function readTool(value: Json, field: string): ToolPin {
  const { approved, pending, isListed } = readObject(value, field);
  if (typeof isListed !== 'boolean') throw new PinsUnreadable(`${field}.isListed`, 'is no boolean');
  return {
    approved: approved === undefined ? undefined : readApproved(approved, `${field}.approved`),
    pending: pending === undefined ? undefined : readSeen(pending, `${field}.pending`),
    isListed,
  };
}

function readApproved(value: Json, field: string): ApprovedDefinition {
  const { by, atMs, ...definition } = readObject(value, field);
  return {
    ...readDefinition(definition, field),
    by: readString(by, `${field}.by`),
    atMs: readTime(atMs, `${field}.atMs`),
  };
}

function readSeen(value: Json, field: string): SeenDefinition {
  const { seenAtMs, ...definition } = readObject(value, field);
  return {
    ...readDefinition(definition, field),
    seenAtMs: readTime(seenAtMs, `${field}.seenAtMs`),
  };
}

/** The digest is of the definition, or one of the two was changed by hand. */
function readDefinition(
  { digest, listed }: JsonObject,
  field: string,
): Pick<SeenDefinition, 'digest' | 'listed'> {
  const definition = readObject(listed, `${field}.listed`);
  if (typeof digest !== 'string' || digest !== tryDigest(definition)) {
    throw new PinsUnreadable(`${field}.digest`, 'is not the digest of what was listed');
  }
  return { digest, listed: definition };
}

/** Nothing that was ever listed is nested too deeply for a digest. */
function tryDigest(listed: JsonObject): string | undefined {
  try {
    return digestOf(listed);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}

function readMembers<T>(
  value: Json | undefined,
  field: string,
  read: (value: Json, field: string) => T,
): Readonly<Record<string, T>> {
  const members = Object.entries(readObject(value, field));
  return Object.fromEntries(
    members.map(([name, member]) => [name, read(member, `${field}[${JSON.stringify(name)}]`)]),
  );
}

function readObject(value: Json | undefined, field: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new PinsUnreadable(field, 'is no object');
}

function readString(value: Json | undefined, field: string): string {
  if (typeof value === 'string') return value;
  throw new PinsUnreadable(field, 'is no text');
}

function readTime(value: Json | undefined, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new PinsUnreadable(field, 'is no time');
}
