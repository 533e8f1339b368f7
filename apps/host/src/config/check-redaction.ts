import { detectorTable, isDetectorName } from '@modelhost/redaction';
import type { ConfigTree } from './tree.ts';
import { isThere } from './is-there.ts';
import { nearest } from '@modelhost/policy-engine';
import type { Report } from './report.ts';

/** Whatever is to be hidden must be something that can be found. */
export function checkRedaction(
  tree: ConfigTree,
  pathOf: (path: string) => string,
  report: Report,
): void {
  const { always, terms, termsFile } = tree.redaction;
  for (const name of Object.keys(always)) {
    if (!isDetectorName(name)) {
      report.add(['redaction', 'always', name], `there is no detector ${name}; ${remedyFor(name)}`);
    }
  }
  if (Object.hasOwn(always, 'term') && termsFile === undefined && Object.keys(terms).length === 0) {
    report.add(
      ['redaction', 'always', 'term'],
      'looks for nothing; set redaction.terms or redaction.termsFile',
    );
  }
  checkTenants(tree, report);
  if (termsFile !== undefined && !isThere(pathOf(termsFile), 'file')) {
    report.add(['redaction', 'termsFile'], `there is no file ${termsFile}`);
  }
}

/** Terms of a tenant that is mistyped would be hidden for nobody. */
function checkTenants({ redaction, server, mcp }: ConfigTree, report: Report): void {
  const issuers = mcp?.issuers ?? [];
  const isAnyKnown = issuers.some((issuer) => issuer.tenant === undefined && !issuer.tenants);
  if (Array.isArray(redaction.terms) || isAnyKnown) return;
  const known = [
    // Whose caller is who comes without a key.
    'default',
    ...server.auth.apiKeys.map(({ tenant }) => tenant),
    ...issuers.flatMap(({ tenant, tenants = [] }) => (tenant === undefined ? tenants : [tenant])),
  ];
  for (const tenant of Object.keys(redaction.terms)) {
    if (known.includes(tenant)) continue;
    const guess = nearest(tenant, known);
    const remedy = guess === undefined ? 'remove it' : `did you mean ${guess}?`;
    const message = `nobody is of the tenant ${tenant} by any key or issuer; ${remedy}`;
    report.add(['redaction', 'terms', tenant], message);
  }
}

function remedyFor(name: string): string {
  const names = detectorTable.map((entry) => entry.name);
  const guess = nearest(name, names);
  return guess === undefined
    ? `use ${names.join(', ')} or the name of a single rule`
    : `did you mean ${guess}?`;
}
