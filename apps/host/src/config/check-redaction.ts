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
  if (termsFile !== undefined && !isThere(pathOf(termsFile), 'file')) {
    report.add(['redaction', 'termsFile'], `there is no file ${termsFile}`);
  }
}

function remedyFor(name: string): string {
  const names = detectorTable.map((entry) => entry.name);
  const guess = nearest(name, names);
  return guess === undefined
    ? `use ${names.join(', ')} or the name of a single rule`
    : `did you mean ${guess}?`;
}
