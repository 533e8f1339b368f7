/** A word after which a value may follow. */
export interface ContextWord {
  readonly word: string;
  /** How many units after it the segment stays open without an operator. */
  readonly reach: number;
}

/** Without an operator such as `=`, a value stands this close to its name. */
export const reachMax = 28;

/** Words that name a value whoever looks for it; the detectors know more of them. */
export const commonWords: readonly ContextWord[] = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'token',
  'credential',
  'api key',
  'api_key',
  'api-key',
  'apikey',
  'private key',
  'access key',
  'bearer',
  'authorization',
  'date of birth',
  'born',
].map((word) => ({ word, reach: reachMax }));
