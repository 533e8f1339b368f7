import { joinPath } from './scripted-task.ts';
import type { PastCall } from './scripted-transcript.ts';

/** A file that the skill asked for. */
export interface SurveyedFile {
  readonly path: string;
  /** Undefined when it could not be read. */
  readonly text: string | undefined;
  /** Why it could not be read, as the tool result says it; empty otherwise. */
  readonly reason: string;
}

/** What is known of a folder, and what is still to be looked at. */
export interface FileSurvey {
  readonly root: string;
  readonly foldersToList: readonly string[];
  /** Only given once no folder is left to list. */
  readonly filesToRead: readonly string[];
  readonly files: readonly SurveyedFile[];
  /** Folders that could not be listed. */
  readonly foldersRefused: readonly SurveyedFile[];
  /** Paths of files that were seen and left out: beyond the bound, hidden, or not text by their name. */
  readonly filesLeftOut: readonly string[];
  /** Paths of folders that were seen and are never looked into: beyond a bound, or hidden. */
  readonly foldersLeftOut: readonly string[];
  /** Whether the folder itself could be listed. */
  readonly isListed: boolean;
}

const foldersMax = 64;
const folderDepthMax = 3;
const filesMax = 32;

const notText =
  /\.(?:png|jpe?g|gif|webp|ico|bmp|pdf|zip|gz|tgz|bz2|xz|7z|tar|mp[34]|mov|wav|ogg|woff2?|ttf|exe|dll|so|bin|wasm|sqlite|db)$/i;

/** Puts together what the calls of the conversation have shown. */
export function surveyFiles(options: {
  readonly root: string;
  readonly output: string;
  readonly list: string;
  readonly read: string;
  readonly calls: readonly PastCall[];
}): FileSurvey {
  const { root, output, list, read, calls } = options;
  const listed = byPath(calls, list);
  const readBefore = byPath(calls, read);
  const seen = walk(root, listed);
  const others = seen.files.filter((path) => path !== output);
  const wanted = others.filter((path) => isText(path)).slice(0, filesMax);
  const isWanted = new Set(wanted);
  const foldersToList = seen.folders.filter((path) => !listed.has(path));
  return {
    root,
    foldersToList,
    filesToRead: foldersToList.length > 0 ? [] : wanted.filter((path) => !readBefore.has(path)),
    files: wanted.flatMap((path) => toFile(path, readBefore.get(path))),
    foldersRefused: seen.folders.flatMap((path) =>
      listed.get(path)?.isError === true ? toFile(path, listed.get(path)) : [],
    ),
    filesLeftOut: others.filter((path) => !isWanted.has(path)),
    foldersLeftOut: seen.foldersLeftOut,
    isListed: listed.get(root)?.isError === false,
  };
}

function byPath(calls: readonly PastCall[], tool: string): ReadonlyMap<string, PastCall> {
  return new Map(
    calls.flatMap((call) => {
      const path = call.arguments['path'];
      return call.tool === tool && typeof path === 'string' ? [[path, call] as const] : [];
    }),
  );
}

interface Walk {
  readonly folders: readonly string[];
  readonly foldersLeftOut: readonly string[];
  readonly files: readonly string[];
}

function walk(root: string, listed: ReadonlyMap<string, PastCall>): Walk {
  const folders = [root];
  const foldersLeftOut = new Set<string>();
  const files = new Set<string>();
  const depths = new Map([[root, 0]]);
  // The list grows while it is walked, up to its bound.
  for (const folder of folders) {
    const listing = listed.get(folder);
    if (listing === undefined || listing.isError) continue;
    const depth = (depths.get(folder) ?? 0) + 1;
    for (const [, kind = '', name = ''] of listing.content.matchAll(/^\[(FILE|DIR)\] (.+)$/gm)) {
      const path = joinPath(folder, name);
      if (name.includes('/') || depths.has(path)) continue;
      if (kind === 'FILE') {
        files.add(path);
      } else if (isHidden(name) || folders.length >= foldersMax || depth > folderDepthMax) {
        foldersLeftOut.add(path);
      } else {
        folders.push(path);
        depths.set(path, depth);
      }
    }
  }
  return { folders, foldersLeftOut: [...foldersLeftOut], files: [...files] };
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}

function isText(path: string): boolean {
  return !notText.test(path) && !isHidden(path.split(/[\\/]/).at(-1) ?? '');
}

function toFile(path: string, call: PastCall | undefined): readonly SurveyedFile[] {
  if (call === undefined) return [];
  if (!call.isError) return [{ path, text: call.content, reason: '' }];
  return [{ path, text: undefined, reason: (call.content.split('\n', 1)[0] ?? '').slice(0, 300) }];
}
