import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError, sha256Hex } from '@modelhost/kernel';
import type { RuleSetPart } from './annotations.ts';
import { textBounds } from './bounds.ts';

/** A file of Cedar rules. The name appears in errors and goes into the digest. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** Digest of names and texts, in their order: for rules that come from no bundle. */
export function digestPolicyFiles(files: readonly PolicyFile[]): string {
  return sha256Hex(JSON.stringify(files.map(({ name, text }) => [name, text])));
}

/** The part that a file of a rule set belongs to; undefined for a file without rules. Throws `config_invalid` for rules that would belong to none. */
export function partOf(name: string): RuleSetPart | undefined {
  if (!name.endsWith('.cedar')) return undefined;
  if (name === 'oblige.cedar' || /^oblige\/[^/]+$/.test(name)) return 'oblige';
  if (/^(?:authorize\/)?[^/]+$/.test(name)) return 'authorize';
  const problem = 'rules stand here that belong to no part';
  const remedy = 'move the file to the top, to authorize/ or to oblige/';
  throw new HostError('config_invalid', `${name}: ${problem}; ${remedy}`, {
    facts: { place: name, problem, remedy },
  });
}

/** Folders of a rule set that hold rules. */
const folders = ['authorize', 'oblige'];

/**
 * Reads the `.cedar` files of a directory and of `authorize/` and `oblige/` in it, sorted by name; other files and
 * folders are not looked at. Throws `config_invalid` when there is none, when one cannot be read or is no UTF-8 text, and
 * past 256 files or 8 MiB.
 */
export async function readPolicyDirectory(path: string): Promise<readonly PolicyFile[]> {
  const names = await listPolicies(path);
  if (names.length === 0) {
    throw invalid(`${path}: no .cedar file in it; without a rule everything is denied`);
  }
  if (names.length > textBounds.files) {
    throw invalid(`${path}: ${names.length} .cedar files, at most ${textBounds.files} are read`);
  }
  const files: PolicyFile[] = [];
  let bytesLeft: number = textBounds.totalBytes;
  for (const name of names) {
    const bytes = await readBounded(join(path, name));
    bytesLeft -= bytes.length;
    if (bytesLeft < 0) throw invalid(`${path}: more than ${textBounds.totalBytes} bytes of rules`);
    files.push({ name, text: decode(join(path, name), bytes) });
  }
  return files;
}

async function listPolicies(path: string): Promise<readonly string[]> {
  const entries = await readNames(path);
  const names = entries.filter((name) => name.endsWith('.cedar'));
  for (const folder of folders.filter((name) => entries.includes(name))) {
    const within = await readNames(join(path, folder));
    names.push(
      ...within.filter((name) => name.endsWith('.cedar')).map((name) => `${folder}/${name}`),
    );
  }
  return names.sort();
}

async function readNames(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    throw invalid(
      `${path}: the directory of policies cannot be read (${systemCode(cause)})`,
      cause,
    );
  }
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(textBounds.fileBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
  } catch (cause) {
    throw invalid(`${path}: the file cannot be read (${systemCode(cause)})`, cause);
  }
  throw invalid(`${path}: larger than ${textBounds.fileBytes} bytes; split it`);
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid(`${path}: is no UTF-8 text`, cause);
  }
}

function systemCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}

function invalid(message: string, cause?: unknown): HostError {
  return new HostError('config_invalid', message, { cause });
}
