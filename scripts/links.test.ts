import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const pages = globSync('**/*.md', { exclude: ['**/node_modules', '**/work', '.cache'] });

/** Without what is code: brackets there are no links. */
function textOf(path: string): string {
  return readFileSync(path, 'utf8')
    .replaceAll(/^ *```.*?^ *```$/gms, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''));
}

/** As GitHub names the headings of a page. */
function anchorsOf(path: string): readonly string[] {
  const headings = textOf(path).matchAll(/^#+ (.*)$/gm);
  return Array.from(headings, ([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every link between pages leads to a file, and to a heading that is there', () => {
  const links = pages
    .flatMap((page) =>
      Array.from(textOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => ({
        page,
        target,
      })),
    )
    .filter(({ target }) => !/^[a-z]+:/.test(target));
  assert.ok(links.length > 100);
  const broken = links.filter(({ page, target }) => {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page : normalize(join(dirname(page), decodeURI(file)));
    if (!existsSync(path)) return true;
    return anchor !== undefined && path.endsWith('.md') && !anchorsOf(path).includes(anchor);
  });
  assert.deepEqual(
    broken.map(({ page, target }) => `${page}: ${target}`),
    [],
  );
});

test('every source file that a page names is there', () => {
  const files = globSync('{packages,apps,testkit,bench,scripts,proto}/**/*.{ts,proto,sql}', {
    exclude: ['**/node_modules'],
  }).map((path) => `/${path.replaceAll('\\', '/').replace('/src/', '/')}`);
  const named = pages.flatMap((page) =>
    Array.from(
      readFileSync(page, 'utf8').matchAll(/`([\w.-]+\/[\w./-]+\.(?:ts|proto|sql))`/g),
      ([, path = '']) => ({ page, path }),
    ),
  );
  assert.ok(named.length > 30);
  const absent = named.filter(({ path }) => {
    const place = `/${path.replace(/(^|\/)src\//, '$1')}`;
    return !files.some((file) => file.endsWith(place));
  });
  assert.deepEqual(
    absent.map(({ page, path }) => `${page}: ${path}`),
    [],
  );
});
