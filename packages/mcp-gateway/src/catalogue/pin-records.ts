import type { JsonObject } from '@modelhost/kernel';

/** What is known of every tool server's definitions, by alias. Kept from start to start. */
export interface PinRecords {
  readonly servers: Readonly<Record<string, ServerPins>>;
}

/** What is known of one server. That it exists at all means that its first catalogue was seen. */
export interface ServerPins {
  /** Digest over all tools that it listed last. */
  readonly setDigest: string;
  /** Digest over all tools that it listed when nothing of it was held back; empty before that. */
  readonly approvedSetDigest: string;
  /** By the tool's name at the server. */
  readonly tools: Readonly<Record<string, ToolPin>>;
}

/** What is known of one tool; at least one of the two is there. */
export interface ToolPin {
  readonly approved: ApprovedDefinition | undefined;
  /** What it lists now, if that is not what was approved. */
  readonly pending: SeenDefinition | undefined;
  /** Whether it was there when the server was listed last. */
  readonly isListed: boolean;
}

/** A tool's definition as its server listed it, every byte of it, and its digest. */
export interface SeenDefinition {
  readonly digest: string;
  readonly listed: JsonObject;
  readonly seenAtMs: number;
}

/** A definition that somebody answers for. */
export interface ApprovedDefinition {
  readonly digest: string;
  readonly listed: JsonObject;
  /** Who approved it; `first-use` for the first catalogue of a server that is pinned so. */
  readonly by: string;
  readonly atMs: number;
}

/** Keeps the pins. It has one user at a time. */
export interface PinStore {
  /** What was saved last; no servers when there is nothing yet. Throws `storage_unavailable` for what cannot be read. */
  load(): Promise<PinRecords>;
  /** All or nothing, and durable when it resolves. */
  save(records: PinRecords): Promise<void>;
}
