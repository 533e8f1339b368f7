import type { ReplayGroup, ReplayReport } from '@modelhost/contracts';
import { toTable } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toLine } from '../text/printable.ts';
import { count } from '../text/quantities.ts';
import { formatMoment } from './since.ts';

/** What would change, largest first, and what cannot be said. A host compares with decisions of the caller's tenant only. */
export function renderReplay(report: ReplayReport, paint: Paint): string {
  const { decisions, unchanged, changed, undecidable, firstTime, lastTime } = report;
  if (decisions === 0n) return 'no decision of your tenant on record to compare with\n';
  const span = `${formatMoment(firstTime)} to ${formatMoment(lastTime)}`;
  return [
    `${count(Number(decisions), 'decision')} of your tenant decided again, ${span}\n`,
    `${unchanged} as before, ${paint.bold(`${changed} otherwise`)}, ${undecidable} cannot be decided again\n`,
    ...(report.complete ? [] : ['there were more, which were not read\n']),
    ...(report.changes.length === 0 ? [] : [`\n${renderGroups(report.changes)}`]),
    ...report.undecided.map(
      ({ cause, resource, decisions: number }) =>
        `${toLine(cause, 128)} reads a value of ${toLine(resource, 64)} that was masked: ${number} not decided again\n`,
    ),
    ...(report.groupsOmitted === 0n ? [] : [`${report.groupsOmitted} more are in no group\n`]),
  ].join('');
}

function renderGroups(groups: readonly ReplayGroup[]): string {
  const rows = groups.map(({ kind, cause, action, resource, decisions, examples }) => [
    kind,
    String(decisions),
    toLine(`${action} ${resource}`, 100),
    toLine(cause, 100),
    examples[0]?.decisionId ?? '',
  ]);
  return toTable(['CHANGE', 'TIMES', 'WHAT', 'BECAUSE OF', 'SUCH AS'], rows);
}
