import { canonicalJson, type Json } from '@modelhost/kernel';
import type { Bundle } from './bundle.ts';
import { compareLines, type LineChange } from './line-changes.ts';

/** A member of the manifest that differs, each side as JSON text. */
export interface ManifestDifference {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** A file that differs. */
export interface FileDifference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Unified, with three lines around each change. Characters that show nothing or turn the line about are written out. */
  readonly lines: readonly string[];
  /** How many lines were left out, because there were too many. */
  readonly linesLeftOut: number;
}

/** What differs between two bundles. Both empty: the same content. */
export interface BundleDifference {
  readonly manifest: readonly ManifestDifference[];
  readonly files: readonly FileDifference[];
}

const contextLines = 3;
const fileLinesMax = 1_000;
const linesMax = 10_000;

/** What a reader of policy has to look at between one revision and the next. Bounded: past 10,000 lines it only counts. */
export function diffBundles(before: Bundle, after: Bundle): BundleDifference {
  const [old, fresh] = [contentsOf(before), contentsOf(after)];
  const paths = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  const files: FileDifference[] = [];
  let linesLeft = linesMax;
  for (const path of paths) {
    const [was, is] = [old.get(path), fresh.get(path)];
    if (was === is) continue;
    const lines = writeUnified(compareLines(was ?? '', is ?? ''));
    const shown = lines.slice(0, Math.min(fileLinesMax, linesLeft));
    linesLeft -= shown.length;
    const change = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed';
    files.push({ path, change, lines: shown, linesLeftOut: lines.length - shown.length });
  }
  return { manifest: diffManifests(before, after), files };
}

function contentsOf(bundle: Bundle): ReadonlyMap<string, string> {
  return new Map(bundle.files.map(({ path, content }) => [path, content]));
}

function diffManifests(before: Bundle, after: Bundle): readonly ManifestDifference[] {
  // A manifest is JSON: texts, numbers and lists of them.
  const [old, fresh] = [before, after].map(
    ({ manifest }) =>
      new Map(Object.entries(manifest as unknown as Readonly<Record<string, Json>>)),
  );
  return [...(old ?? [])]
    .map(([field, value]) => ({
      field,
      before: canonicalJson(value),
      after: canonicalJson(fresh?.get(field) ?? null),
    }))
    .filter((difference) => difference.before !== difference.after)
    .sort((a, b) => (a.field < b.field ? -1 : 1));
}

/** Hunks as `diff -u` writes them. */
function writeUnified(changes: readonly LineChange[]): readonly string[] {
  const places = changes.flatMap(({ type }, index) => (type === 'same' ? [] : [index]));
  const hunks: { from: number; to: number }[] = [];
  for (const place of places) {
    const last = hunks.at(-1);
    const from = Math.max(0, place - contextLines);
    const to = Math.min(changes.length, place + contextLines + 1);
    if (last !== undefined && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  let [oldLine, freshLine, at] = [1, 1, 0];
  return hunks.flatMap(({ from, to }) => {
    // Everything between two hunks is the same on both sides.
    oldLine += from - at;
    freshLine += from - at;
    at = to;
    const lines = changes.slice(from, to);
    const [oldCount, freshCount] = [countSide(lines, 'removed'), countSide(lines, 'added')];
    const header = `@@ -${side(oldLine, oldCount)} +${side(freshLine, freshCount)} @@`;
    oldLine += oldCount;
    freshLine += freshCount;
    return [header, ...lines.map(writeLine)];
  });
}

function countSide(lines: readonly LineChange[], type: 'removed' | 'added'): number {
  return lines.filter((line) => line.type === 'same' || line.type === type).length;
}

/** A side without lines names the line before it. */
function side(line: number, count: number): string {
  return `${count === 0 ? line - 1 : line},${count}`;
}

const signs: Readonly<Record<LineChange['type'], string>> = { same: ' ', removed: '-', added: '+' };

/** A line is shown as it is, and what could hide in it is made visible: control characters, invisible and turning ones. */
function writeLine({ type, line }: LineChange): string {
  const text = line.endsWith('\n') ? line.slice(0, -1) : `${line} (no end of line)`;
  const visible = text.replace(
    /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) =>
      `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
  return `${signs[type]}${visible}`;
}
