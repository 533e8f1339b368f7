import { create } from '@bufbuild/protobuf';
import { BeginToolAuthorizationResponseSchema } from '@modelhost/contracts';
import type { ModelHostClient, ToolAuthorizationCallback } from '@modelhost/sdk';
import { readAuthorizationCallback } from '../authorization-callback.ts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { toJsonText } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toPrintable } from '../text/printable.ts';

/** What `tools authorize` is told. */
export interface AuthorizeFlags extends ConnectionFlags, JsonFlag {
  readonly callback?: string;
}

/** Lets the host act for the caller at a tool server: in one go on a terminal, else in two. */
export async function authorizeServer(
  context: CliContext,
  flags: AuthorizeFlags,
  alias: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const callback =
      flags.callback === undefined
        ? await obtain(context, { client, flags, alias })
        : readAuthorizationCallback(flags.callback);
    if (callback === undefined) return;
    await client.finishToolAuthorization(callback);
    // Only connecting shows whether the server lets the host in; it also fetches the tools.
    const url = await client.beginToolAuthorization(alias);
    if (url !== undefined) {
      throw new CommandError(
        exitCodes.denied,
        `${alias} does not take what it was given`,
        `\`model-host tools authorize ${alias}\` begins again`,
      );
    }
    report(context, { flags, alias, url });
  });
}

interface Asked {
  readonly client: ModelHostClient;
  readonly flags: AuthorizeFlags;
  readonly alias: string;
}

/** Undefined when nothing has to be done, or nobody can be asked to do it now. */
async function obtain(
  context: CliContext,
  { client, flags, alias }: Asked,
): Promise<ToolAuthorizationCallback | undefined> {
  const { ask, say, print } = context;
  const url = await client.beginToolAuthorization(alias);
  if (url === undefined || flags.json === true || ask === undefined) {
    report(context, { flags, alias, url });
    return undefined;
  }
  say('open this in a browser:');
  print(`${toPrintable(url)}\n`);
  const address = await ask(
    'Paste the address that the browser ended at: ',
    new AbortController().signal,
  );
  if (address.trim() !== '') return readAuthorizationCallback(address);
  throw new CommandError(exitCodes.failure, 'nothing is authorized');
}

function report(
  { say, print }: CliContext,
  told: Pick<Asked, 'flags' | 'alias'> & { readonly url: string | undefined },
): void {
  const { flags, alias, url } = told;
  if (flags.json === true) {
    const answer = create(BeginToolAuthorizationResponseSchema, { authorizationUrl: url ?? '' });
    return print(`${toJsonText(BeginToolAuthorizationResponseSchema, answer, 2)}\n`);
  }
  if (url === undefined) return say(`the host may act for you at ${alias}`);
  print(`${toPrintable(url)}\n`);
  say(
    `next: open it in a browser, then \`model-host tools authorize ${alias} --callback 'ADDRESS'\` with the address that it ended at`,
  );
}
