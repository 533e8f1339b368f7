import { isJsonObject, sha256Hex, type Json } from '@modelhost/kernel';
import { findWrongField, numberOf, ruleOf, textOf, type FieldRule } from './fields.ts';
import { accept, refuse, type Reading, type Refused } from './refusals.ts';

/** A file of a bundle. */
export interface BundleFile {
  /** Relative, with `/`; never leads out of the directory it is written to. */
  readonly path: string;
  readonly content: string;
}

/** A file as it stands in a payload. */
interface PackedFile extends BundleFile {
  readonly sha256: string;
  /** Of the content in UTF-8, in bytes. */
  readonly size: number;
}

const filesMax = 2_000;
const fileBytesMax = 262_144;
const pathLengthMax = 200;
/** No segment begins or ends with a dot, so none is `.` or `..`, and none is hidden. */
const pathPattern = /^\w(?:[\w.-]*[\w-])?(?:\/\w(?:[\w.-]*[\w-])?){0,7}$/;

const text = ruleOf((value) => typeof value === 'string', 'a text');
const fileRules: Readonly<Record<string, FieldRule>> = {
  path: text,
  content: text,
  sha256: textOf(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex'),
  size: numberOf(0, fileBytesMax),
};

/** Files as they go into a payload: by path, each with its size and digest. */
export function packFiles(files: readonly BundleFile[]): readonly Json[] {
  return files
    .map(({ path, content }) => {
      const size = Buffer.byteLength(content);
      return { path, sha256: sha256Hex(content), size, content };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Takes the files of a payload, all or none. */
export function readFiles(files: readonly Json[]): Reading<readonly BundleFile[]> {
  if (files.length === 0) return refuse('no-files', 'files: must hold at least one; add a rule');
  if (files.length > filesMax) {
    return refuse('too-many-files', `files: ${files.length}, at most ${filesMax}; join some`);
  }
  const packed: PackedFile[] = [];
  for (const [index, file] of files.entries()) {
    const place = `files[${index}]`;
    const oversize = findOversize(file, place);
    if (oversize !== undefined) return oversize;
    const problem = findWrongField(file, fileRules, place);
    if (problem !== undefined) return refuse('manifest', `${problem}; build the bundle again`);
    // The rules passed, and there are no other members.
    const read = file as unknown as PackedFile;
    const refusal = checkContent(read, place);
    if (refusal !== undefined) return refusal;
    packed.push(read);
  }
  const refusal = checkPaths(packed.map(({ path }) => path));
  return refusal ?? accept(packed.map(({ path, content }) => ({ path, content })));
}

/** Before the rule about the number, whose message would not say what to do. */
function findOversize(file: Json, place: string): Refused | undefined {
  const size = isJsonObject(file) ? file['size'] : undefined;
  return typeof size === 'number' && size > fileBytesMax
    ? refuse('file-size', `${place}.size: ${size} bytes, at most ${fileBytesMax}; split the file`)
    : undefined;
}

function checkContent(file: PackedFile, place: string): Refused | undefined {
  const { path, content, size, sha256 } = file;
  if (path.length > pathLengthMax || !pathPattern.test(path)) {
    return refuse(
      'file-path',
      `${place}.path: must be at most 8 names of letters, digits, "_", "-" and "." between "/", none of them beginning or ending with "."; rename the file`,
    );
  }
  if (!content.isWellFormed()) {
    return refuse('file-content', `${place}.content: has half a character; save it as UTF-8`);
  }
  if (Buffer.byteLength(content) !== size) {
    return refuse('file-size', `${place}.size: is not that of the content; build it again`);
  }
  return sha256Hex(content) === sha256
    ? undefined
    : refuse('file-digest', `${place}.sha256: is not that of the content; build it again`);
}

/** Names that a file system could mix up are refused, so that writing a bundle to a disk loses nothing. */
function checkPaths(paths: readonly string[]): Refused | undefined {
  const seen = new Set<string>();
  for (const [index, path] of paths.entries()) {
    const folded = path.toLowerCase();
    if (seen.has(folded)) {
      return refuse(
        'file-duplicate',
        `files[${index}].path: stands twice, apart from upper and lower case; rename or remove one`,
      );
    }
    seen.add(folded);
  }
  for (const [index, path] of paths.entries()) {
    if (path <= (paths[index - 1] ?? '')) {
      return refuse('file-order', `files[${index}].path: must be sorted; build the bundle again`);
    }
    if (parentsOf(path).some((parent) => seen.has(parent))) {
      return refuse(
        'file-path',
        `files[${index}].path: lies under a path that is a file itself; rename one of them`,
      );
    }
  }
  return undefined;
}

function parentsOf(path: string): readonly string[] {
  const names = path.toLowerCase().split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}
