import { sha256Hex } from '@modelhost/kernel';

const nameLengthMax = 64;
const tailLength = 16;

/**
 * Name of a server's tool for the model: `alias__tool` where that is a legal name, else a legal start of it and a hash
 * of the whole. It depends on nothing but alias and tool, so it is the same after every restart. An alias has no
 * underscore, so names of different servers differ; a plain name never looks like a hashed one.
 */
export function toolNameOf(alias: string, serverTool: string): string {
  const plain = `${alias}__${serverTool}`;
  if (/^[A-Za-z0-9_-]{1,64}$/.test(plain) && !/_[0-9a-f]{16}$/.test(plain)) return plain;
  const tail = sha256Hex(JSON.stringify([alias, serverTool])).slice(0, tailLength);
  const start = plain.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, nameLengthMax - tailLength - 1);
  return `${start}_${tail}`;
}
