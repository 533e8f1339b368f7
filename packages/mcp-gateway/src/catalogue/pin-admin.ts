/** Looks at pins and approves definitions. Whoever has it may approve: the caller decides who that is. */
export interface PinAdmin {
  /** Every tool that was listed or approved, sorted by name; with a tenant only those of servers it may see. */
  list(tenant?: string): readonly PinView[];
  /** The whole of each server, sorted by alias; with a tenant only those it may see. */
  sets(tenant?: string): readonly PinSetView[];
  /**
   * Approves what was looked at and nothing else. Throws `not_found` for an alias or a tool that is not there, and
   * `failed_precondition` when a digest is no longer the one that is listed. Nothing is approved unless all of it is,
   * durably; resolves with the pins as they are then.
   */
  approve(approval: PinApproval): Promise<readonly PinView[]>;
}

/** Some tools by the digest that was looked at, or all that is pending by the digest of the server's whole set. */
export type PinApproval = {
  readonly alias: string;
  /** Who answers for it. */
  readonly by: string;
} & (
  | { readonly tools: readonly { readonly tool: string; readonly digest: string }[] }
  | { readonly setDigest: string }
);

/**
 * `new`: never approved, held back. `quarantined`: approved once, but what is listed now differs, held back.
 * `approved`: offered. `gone`: approved and no longer listed; coming back unchanged it is offered again.
 */
export type PinState = 'new' | 'quarantined' | 'approved' | 'gone';

/** What is known of one tool's definition. */
export interface PinView {
  readonly alias: string;
  /**
   * Name at the server; `(instructions)`, `(prompt) name` and `(resource template) uriTemplate` for what else is pinned
   * like a tool.
   */
  readonly tool: string;
  /** Name for models. */
  readonly name: string;
  readonly state: PinState;
  /** Of the definition that is listed now; of the approved one when it is gone. */
  readonly digest: string;
  /** Undefined when it was never approved. */
  readonly approved:
    | { readonly digest: string; readonly by: string; readonly atMs: number }
    | undefined;
  /** Members of the definition that differ from the approved ones, sorted. */
  readonly changed: readonly string[];
  /** The difference in lines that begin with `-`, `+` or a blank; hidden characters are shown as `\u{…}`. */
  readonly diff: string;
  /** What in the definition looks like an attack. A help for whoever approves; nothing depends on it. */
  readonly warnings: readonly string[];
  /** Why it is not offered even when it is approved, such as a schema that cannot be used: known once it is. */
  readonly problem: string | undefined;
}

/** What is known of one server's tools together. */
export interface PinSetView {
  readonly alias: string;
  /** Over all tools that are listed now; empty before it was ever listed. */
  readonly setDigest: string;
  /** Over all tools that were listed when nothing was held back; empty before that. */
  readonly approvedSetDigest: string;
  readonly quarantined: number;
}

/** A definition that was not seen before and is held back. Each digest of a tool is told once. */
export interface PinDrift {
  readonly alias: string;
  /** Name at the server. */
  readonly tool: string;
  /** Name for models. */
  readonly name: string;
  /** Digest that is approved; undefined for a tool that is new. */
  readonly before: string | undefined;
  readonly after: string;
  /** Members of the definition that differ, sorted. */
  readonly changed: readonly string[];
  /** As in `PinView`. */
  readonly diff: string;
  readonly warnings: readonly string[];
}
