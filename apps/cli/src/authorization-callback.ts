import type { ToolAuthorizationCallback } from '@modelhost/sdk';
import { CommandError, exitCodes } from './failure.ts';

/** The parameters of an address that a browser was sent back to. Throws when they say no, or are not there. */
export function readAuthorizationCallback(address: string): ToolAuthorizationCallback {
  const parameters = URL.parse(address.trim())?.searchParams;
  if (parameters === undefined) throw notTheAddress('this is no address');
  const error = parameters.get('error');
  if (error !== null) {
    const description = parameters.get('error_description');
    const why = description === null ? error : `${error}: ${description}`;
    throw new CommandError(exitCodes.denied, `the authorization server says no: ${why}`);
  }
  const [state, code, iss] = ['state', 'code', 'iss'].map((name) => parameters.get(name));
  if (typeof state !== 'string' || typeof code !== 'string') {
    throw notTheAddress('this address has no state and code');
  }
  return { state, code, ...(typeof iss === 'string' ? { iss } : {}) };
}

function notTheAddress(message: string): CommandError {
  return new CommandError(
    exitCodes.usage,
    message,
    'give the whole address that the browser ended at, also when its page could not be shown',
  );
}
