import type { Report } from './report.ts';
import type { ConfigTree } from './tree.ts';
import { isThere } from './is-there.ts';

/** Rules come from one place, and from one that this host may trust. */
export function checkPolicies(options: {
  readonly tree: ConfigTree;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pathOf: (path: string) => string;
  readonly report: Report;
}): void {
  const { tree, environment, pathOf, report } = options;
  const { directory, bundles, trustRoot, trustRootDigest, allowUnsigned } = tree.policies;
  const add = (key: string, message: string): void => report.add(['policies', key], message);
  if (directory === undefined && bundles === undefined) {
    report.add(['policies'], 'names no rules; set directory, or bundles and trustRoot');
  }
  if (directory !== undefined && bundles !== undefined) {
    add('bundles', 'rules come from one place; remove bundles, or remove directory');
  }
  if (bundles !== undefined && trustRoot === undefined) {
    add('bundles', 'nobody says whose signatures count; set policies.trustRoot');
  }
  if (trustRootDigest !== undefined && trustRoot === undefined) {
    add('trustRootDigest', 'is the digest of nothing; set policies.trustRoot');
  }
  if (trustRoot !== undefined && !isThere(pathOf(trustRoot), 'file')) {
    add('trustRoot', `there is no file ${trustRoot}`);
  }
  if (directory === undefined) return;
  if (!isThere(pathOf(directory), 'directory')) {
    add('directory', `there is no directory ${directory}; make it and put .cedar files there`);
  }
  if (environment['NODE_ENV'] === 'production' && !allowUnsigned) {
    add(
      'directory',
      'rules in a directory are not signed, and NODE_ENV is production; use policies.bundles, or set policies.allowUnsigned: true',
    );
  }
}
