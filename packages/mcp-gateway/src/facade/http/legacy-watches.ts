import { HostError } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../../relay.ts';
import type { FacadeCaller, FacadeCore } from '../core-types.ts';
import { invalidParams, toRpcError } from '../rpc-errors.ts';

/** The resources that one session is told about. */
export interface LegacyWatches {
  /** Answers `resources/subscribe`: once it is decided, and with the reason where it may not be. */
  watch(caller: FacadeCaller, uri: Json | undefined): Promise<LegacyAnswer>;
  /** Answers `resources/unsubscribe`; what is still being decided ends as soon as it is. */
  unwatch(uri: Json | undefined): LegacyAnswer;
  /** Whether the session may be told of changes of the resource. */
  readonly has: (uri: string) => boolean;
  /** Ends all, those too that are being decided. */
  close(): void;
}

/** How a request ends. */
export type LegacyAnswer =
  | { readonly result: JsonObject; readonly error?: undefined }
  | { readonly error: RpcError };

interface Watch {
  readonly answer: Promise<LegacyAnswer>;
  readonly isOn: () => boolean;
  readonly stop: () => void;
}

const done: LegacyAnswer = { result: {} };
const missing: LegacyAnswer = { error: invalidParams('uri is missing') };

/** At most `watchesMax`, decided or not; each resource once. */
export function createLegacyWatches(options: {
  readonly core: Pick<FacadeCore, 'watchResource'>;
  readonly watchesMax: number;
}): LegacyWatches {
  const { core, watchesMax } = options;
  const watches = new Map<string, Watch>();

  function begin(caller: FacadeCaller, uri: string): Watch {
    let stopIt: (() => void) | undefined;
    let isOver = false;

    async function decide(): Promise<LegacyAnswer> {
      const begun = await core.watchResource(caller, uri);
      if (isOver) begun?.();
      else stopIt = begun;
      return begun === undefined ? { error: invalidParams('uri names no resource') } : done;
    }

    const answer = decide()
      .catch((thrown: unknown): LegacyAnswer => ({ error: toRpcError(thrown) }))
      .then((decided) => {
        // Unless it was given up and begun again meanwhile, what failed is not a watch.
        if (decided.error !== undefined && watches.get(uri) === watch) watches.delete(uri);
        return decided;
      });
    const watch: Watch = {
      answer,
      isOn: () => stopIt !== undefined,
      stop: () => {
        isOver = true;
        stopIt?.();
        stopIt = undefined;
      },
    };
    return watch;
  }

  return {
    watch: async (caller, uri) => {
      if (typeof uri !== 'string') return missing;
      const known = watches.get(uri);
      if (known !== undefined) return known.answer;
      if (watches.size >= watchesMax) {
        const message = `a session watches at most ${watchesMax} resources`;
        return { error: toRpcError(new HostError('overloaded', message)) };
      }
      const watch = begin(caller, uri);
      watches.set(uri, watch);
      return watch.answer;
    },
    unwatch: (uri) => {
      if (typeof uri !== 'string') return missing;
      watches.get(uri)?.stop();
      watches.delete(uri);
      return done;
    },
    has: (uri) => watches.get(uri)?.isOn() === true,
    close: () => {
      for (const watch of watches.values()) watch.stop();
      watches.clear();
    },
  };
}
