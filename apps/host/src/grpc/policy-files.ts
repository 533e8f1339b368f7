import type { PolicyFile as PolicyFileMessage } from '@modelhost/contracts';
import type { PolicyFile } from '@modelhost/policy-engine';
import type { FieldReader } from './field-reader.ts';

const filesMax = 64;
const totalBytesMax = 1_048_576;

/** Rules that a caller sends; what is wrong with them is for the reader to refuse. */
export function readPolicyFiles(
  reader: FieldReader,
  files: readonly PolicyFileMessage[],
  { min }: { readonly min: number },
): readonly PolicyFile[] {
  const given = reader.list('files', files, { min, max: filesMax });
  const names = new Set<string>();
  let bytesLeft = totalBytesMax;
  for (const [index, { name, text }] of given.entries()) {
    reader.text(`files[${index}].name`, name, { min: 1, max: 256 });
    if (names.has(name)) reader.refuse(`files[${index}].name`, 'is the name of two files');
    names.add(name);
    bytesLeft -= Buffer.byteLength(text);
  }
  if (bytesLeft < 0) reader.refuse('files', `have at most ${totalBytesMax} bytes of text in all`);
  return given.map(({ name, text }) => ({ name, text }));
}
