import { hash } from 'node:crypto';
import { toErrorData } from '@modelhost/kernel';
import type { Logger } from 'pino';
import { readConfiguredFile } from './configured-file.ts';
import type { ActivationRefusal, ActivationReport } from './policy-control.ts';
import type { Problems } from './problems.ts';

/** Bundles that the configuration names. */
export interface ConfiguredBundles {
  /**
   * Takes those that have changed since they were last looked at. At a start one that is older than what is stored is none
   * that anybody wants to bring back; later it is a problem, as each that is refused. Rejects only as `activate` does.
   */
  takeAll(isStart: boolean): Promise<void>;
}

/** A file as it was read. */
interface FoundBundle {
  readonly path: string;
  readonly envelope: Buffer;
  readonly revision: number;
}

/** Nothing was looked at yet. One call at a time. */
export function createConfiguredBundles(options: {
  readonly files: readonly string[];
  readonly activate: (envelope: Buffer) => Promise<ActivationReport>;
  /** 0 for what is refused anyway. */
  readonly revisionOf: (envelope: Buffer) => number;
  readonly problems: Problems;
  readonly log: Logger;
}): ConfiguredBundles {
  const { files, activate, revisionOf, problems, log } = options;
  /** What was last seen of each file, if another look at the same bytes would give the same. */
  const settled = new Map<string, string>();

  async function find(path: string): Promise<readonly FoundBundle[]> {
    try {
      const envelope = await readConfiguredFile(path);
      if (settled.get(path) === digestOf(envelope)) return [];
      return [{ path, envelope, revision: revisionOf(envelope) }];
    } catch (thrown) {
      settled.delete(path);
      problems.set(path, toErrorData(thrown).message);
      return [];
    }
  }

  async function take({ path, envelope }: FoundBundle, isStart: boolean): Promise<void> {
    const report = await activate(envelope);
    const isOlder = isStart && report.type === 'refused' && report.code === 'revision-rollback';
    if (isOlder || isFinal(report)) settled.set(path, digestOf(envelope));
    else settled.delete(path);
    if (isOlder) {
      log.info({ file: path }, 'policy: a configured bundle is older than what is in force');
    } else if (report.type === 'refused') {
      problems.set(path, report.message, tenantOf(report));
    } else {
      problems.clear(path);
    }
  }

  return {
    takeAll: async (isStart) => {
      const found: FoundBundle[] = [];
      for (const path of files) found.push(...(await find(path)));
      // A shadow and what it is compared with may come together: the older one has to be first.
      found.sort((one, other) => one.revision - other.revision);
      for (const bundle of found) await take(bundle, isStart);
    },
  };
}

/** What is in force, or failed by its content alone. */
function isFinal(report: ActivationReport): boolean {
  if (report.type !== 'refused') return true;
  return report.step === 'read' || report.step === 'compile' || report.step === 'test';
}

function tenantOf({ bundle }: ActivationRefusal): string | undefined {
  return bundle === undefined || bundle.scope === 'platform' ? undefined : bundle.scope.tenant;
}

function digestOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
