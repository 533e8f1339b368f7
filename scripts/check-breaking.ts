/**
 * Fails when the contract breaks its clients: `buf breaking` against the newest tag that has a proto/ folder,
 * before the first such tag against the parent of HEAD. Says what it compared, or why it could not.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const base = findBase();
if (base === undefined) {
  console.log(
    'nothing to compare with: no tag with a contract, and no parent of HEAD in this clone',
  );
} else {
  console.log(`compared with ${base}`);
  compareWith(base);
}

function findBase(): string | undefined {
  const tags = (git('tag', '--list', '--sort=-version:refname') ?? '').split('\n').filter(Boolean);
  return [...tags, 'HEAD^'].find(
    (revision) => git('cat-file', '-t', `${revision}:proto`) !== undefined,
  );
}

/** An archive instead of buf's own git input: that one clones, which a shallow clone refuses. */
function compareWith(revision: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'contract-'));
  try {
    const archive = join(folder, 'contract.tar');
    writeFileSync(archive, execFileSync('git', ['archive', revision, 'proto', 'buf.yaml']));
    execFileSync('buf', ['breaking', '--against', archive], { stdio: 'inherit' });
  } catch {
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function git(...options: readonly string[]): string | undefined {
  try {
    return execFileSync('git', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
