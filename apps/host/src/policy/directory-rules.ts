import { HostError, toErrorData } from '@modelhost/kernel';
import type { AuditLog } from '@modelhost/kernel';
import {
  compileRuleSet,
  digestPolicyFiles,
  readPolicyDirectory,
  readRuleSet,
  singleSource,
} from '@modelhost/policy-engine';
import type { TrustRoot } from '@modelhost/policy-bundle';
import type { PolicySource, RuleSet, RuleSetSource } from '@modelhost/policy-engine';
import type { Logger } from 'pino';
import type { PolicyRules } from './policy-rules.ts';
import type { Problems } from './problems.ts';
import { onRecord } from './record-policy.ts';

/** Rules that come from a directory, without signatures. Nothing decides before it has started. One call at a time. */
export function createDirectoryRules(options: {
  readonly directory: string;
  readonly audit: AuditLog;
  readonly log: Logger;
  readonly problems: Problems;
  readonly signal: AbortSignal;
  /** Whose candidates may be rehearsed; absent: nobody's. */
  readonly trustRoot?: () => Promise<TrustRoot>;
  readonly use: (source: PolicySource) => void;
}): PolicyRules {
  const { directory, log, problems, signal } = options;
  const { trustRoot = refuseTrust } = options;
  let current: RuleSet | undefined;
  let source: PolicySource = { rulesFor: () => [] };
  let digest = '';
  /** The same rules are not refused twice. */
  let refused = '';

  function use(ruleSet: RuleSet): void {
    current = ruleSet;
    ({ digest } = ruleSet.source);
    source = singleSource(ruleSet);
    options.use(source);
  }

  async function take(text: RuleSetSource): Promise<void> {
    // In a thread of its own, since others are being served.
    const ruleSet = await compileRuleSet(text, { signal });
    const facts = { source: 'directory', before: digest, digest: text.digest };
    await onRecord(options, { tenant: '', actor: 'host', facts }, async () => {
      use(ruleSet);
    });
    log.info({ directory, digest }, 'policy: the rules of the directory were taken anew');
  }

  return {
    start: async () => {
      use(readRuleSet(await readSource(directory)));
    },
    look: async () => {
      let found = '';
      try {
        const text = await readSource(directory);
        found = text.digest;
        if (found === refused) return;
        if (found !== digest) await take(text);
        problems.clear(directory);
        refused = '';
      } catch (thrown) {
        signal.throwIfAborted();
        if (thrown instanceof HostError && thrown.code === 'config_invalid') refused = found;
        problems.set(directory, toErrorData(thrown).message);
      }
    },
    activate: async () => ({
      type: 'refused',
      step: 'verify',
      code: 'unsigned-host',
      message: unsigned,
      bundle: undefined,
      tests: undefined,
    }),
    trustRoot,
    asIf: ({ scope, ruleSet }) => {
      if (scope === 'platform') return singleSource(ruleSet);
      const usual = current === undefined ? [] : [current];
      const both = [...usual, ruleSet];
      return { rulesFor: (tenant) => (tenant === scope.tenant ? both : usual) };
    },
    refusalOf: () => undefined,
    source: () => source,
    bundles: () => [],
  };
}

const unsigned =
  'this host decides by the rules of a directory; set policies.bundles and policies.trustRoot in the place of policies.directory';

async function refuseTrust(): Promise<never> {
  throw new HostError(
    'failed_precondition',
    'nobody says whose signatures count; set policies.trustRoot',
  );
}

async function readSource(directory: string): Promise<RuleSetSource> {
  const files = await readPolicyDirectory(directory);
  const digest = digestPolicyFiles(files);
  return { name: 'directory', scope: 'platform', revision: 0, digest, files, tools: [] };
}
