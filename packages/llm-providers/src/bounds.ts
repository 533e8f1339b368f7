import { HostError } from '@modelhost/kernel';

/** Limits of one provider. Each says what happens when it is reached. */
export interface ProviderBounds {
  /** Connections, and so answers, at the same time; one more is refused with `overloaded`. */
  readonly connectionsMax: number;
  /** TCP and TLS together; past it `provider_timeout` with phase `connect`. */
  readonly connectTimeoutMs: number;
  /** From the sent request to the head of the answer; past it phase `headers`. */
  readonly headersTimeoutMs: number;
  /** Silence between two reads while we are willing to read; past it phase `idle`. */
  readonly idleTimeoutMs: number;
  /** The whole call, a slow consumer included; past it phase `total`. */
  readonly totalTimeoutMs: number;
  /** How long an unused connection stays open; a longer hint of the server is ignored. */
  readonly keepAliveTimeoutMs: number;
  /** How long the connection may linger after a complete answer before it is closed instead of used again. */
  readonly lingerTimeoutMs: number;
  /** UTF-16 units in one server-sent event; past it `provider_invalid_response`. */
  readonly eventCharactersMax: number;
  /** Decoded bytes of one answer; past it `provider_invalid_response`. */
  readonly answerBytesMax: number;
  /** Decoded bytes that are read of an error's body; the rest is dropped. */
  readonly errorBytesMax: number;
  /** Events that wait for a slow consumer; past it reading from the provider pauses. */
  readonly eventsQueuedMax: number;
}

const defaults: ProviderBounds = {
  connectionsMax: 256,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 120_000,
  idleTimeoutMs: 120_000,
  totalTimeoutMs: 600_000,
  keepAliveTimeoutMs: 30_000,
  lingerTimeoutMs: 1_000,
  eventCharactersMax: 4 * 1024 * 1024,
  answerBytesMax: 32 * 1024 * 1024,
  errorBytesMax: 64 * 1024,
  eventsQueuedMax: 32,
};

/** Fills in the defaults; throws `config_invalid` where a bound is no whole number above 0. */
export function readProviderBounds(given: Partial<ProviderBounds> | undefined): ProviderBounds {
  const bounds: ProviderBounds = { ...defaults, ...given };
  for (const [name, value] of Object.entries(bounds)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new HostError('config_invalid', `bounds.${name} must be a whole number above 0`);
    }
  }
  return bounds;
}
