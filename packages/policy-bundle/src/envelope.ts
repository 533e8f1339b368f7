import { endOfString, isJsonObject, parseJsonText, type Json } from '@modelhost/kernel';
import { accept, refuse, type Reading, type Refused } from './refusals.ts';

/** A DSSE v1 envelope, read but not believed. */
export interface Envelope {
  readonly payload: Buffer;
  readonly signatures: readonly EnvelopeSignature[];
}

/** One signature as it stands in an envelope. */
export interface EnvelopeSignature {
  readonly keyId: string;
  readonly signature: Buffer;
}

/** What an envelope may be. */
interface EnvelopeBounds {
  readonly payloadType: string;
  readonly bytesMax: number;
}

/** More would only be work for who has to check them. */
export const signaturesMax = 16;
/** Objects, arrays and commas: an envelope needs 80, and the parser should not build millions of things for a stranger. */
const partsMax = 1_024;
const signatureBytesMax = 512;

/** The bytes that are signed (pre-authentication encoding of DSSE v1): type and payload with their lengths. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const typeBytes = Buffer.byteLength(payloadType);
  const head = `DSSEv1 ${typeBytes} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** The text of an envelope: one field a line and signatures by key id, so that tools for lines can take it apart. */
export function writeEnvelope(payloadType: string, envelope: Envelope): string {
  const signatures = [...envelope.signatures]
    .sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
    .map(({ keyId, signature }) => ({ keyid: keyId, sig: signature.toString('base64') }));
  const payload = envelope.payload.toString('base64');
  return `${JSON.stringify({ payloadType, payload, signatures }, undefined, 2)}\n`;
}

/** Reads an envelope of one payload type. Members that DSSE does not know are left unread, as it asks. */
export function readEnvelope(bytes: Uint8Array, bounds: EnvelopeBounds): Reading<Envelope> {
  const { payloadType, bytesMax } = bounds;
  if (bytes.length > bytesMax) {
    return refuse('too-large', `envelope: ${bytes.length} bytes, at most ${bytesMax}; split it`);
  }
  const parsed = parse(bytes);
  if (parsed.type === 'refused') return parsed;
  const envelope = parsed.value;
  if (!isJsonObject(envelope)) {
    return refuse('envelope', 'envelope: must be a JSON object; give a file that was signed');
  }
  if (envelope['payloadType'] === undefined && envelope['formatVersion'] !== undefined) {
    // What was built and not signed yet is the slip that is made most.
    return refuse('no-signatures', 'envelope: it is not signed yet; sign it first (policy sign)');
  }
  if (envelope['payloadType'] !== payloadType) {
    return refuse('payload-type', `payloadType: must be ${payloadType}; give a file of that kind`);
  }
  const payload = readBase64(envelope['payload']);
  if (payload === undefined) return refuseBase64('payload');
  const signatures = readSignatures(envelope['signatures']);
  if (signatures.type === 'refused') return signatures;
  return accept({ payload, signatures: signatures.value });
}

/** UTF-8 text without a byte order mark put aside, or undefined for bytes that are none. */
export function readText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parse(bytes: Uint8Array): Reading<Json> {
  const text = readText(bytes);
  if (text === undefined || hasTooManyParts(text)) {
    return refuse(
      'not-json',
      `envelope: must be JSON in UTF-8 of at most ${partsMax} parts; give a file that was signed`,
    );
  }
  try {
    return accept(parseJsonText(text));
  } catch {
    return refuse('not-json', 'envelope: is not JSON; fetch it again, or sign the bundle again');
  }
}

function hasTooManyParts(text: string): boolean {
  let parts = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at + 1);
    else if (character === '{' || character === '[' || character === ',') parts += 1;
    if (parts > partsMax) return true;
  }
  return false;
}

function readSignatures(value: Json | undefined): Reading<readonly EnvelopeSignature[]> {
  if (!Array.isArray(value) || value.length === 0) {
    return refuse('no-signatures', 'signatures: must list at least one; sign it');
  }
  if (value.length > signaturesMax) {
    return refuse(
      'too-many-signatures',
      `signatures: ${value.length}, at most ${signaturesMax}; keep those of the trust root's keys`,
    );
  }
  const signatures: EnvelopeSignature[] = [];
  for (const [index, item] of value.entries()) {
    const place = `signatures[${index}]`;
    // Array.isArray widens the items of a readonly array to any.
    const entry = item as Json;
    if (!isJsonObject(entry) || typeof entry['keyid'] !== 'string') {
      return refuse('envelope', `${place}.keyid: must be the id of the key; sign it again`);
    }
    const signature = readBase64(entry['sig']);
    if (signature === undefined) return refuseBase64(`${place}.sig`);
    if (signature.length > signatureBytesMax) {
      return refuse('bad-signature', `${place}.sig: too long for a signature; sign it again`);
    }
    signatures.push({ keyId: entry['keyid'], signature });
  }
  return accept(signatures);
}

/** Strict: one text for one content, so no padding bits that say nothing, no white space, no other alphabet. */
function readBase64(value: Json | undefined): Buffer | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : undefined;
}

function refuseBase64(place: string): Refused {
  return refuse(
    'base64',
    `${place}: must be base64 (standard alphabet, padded, no white space); sign it again`,
  );
}
