import { HostError } from '@modelhost/kernel';
import type { Clock, ToolServerStatus } from '@modelhost/kernel';
import { createBreaker } from '@modelhost/resilience';
import type { BreakerPass } from '@modelhost/resilience';
import type { SupervisionTimes } from './supervisor-retry.ts';

/** What is known of how a server is doing, and whether it is worth a try. */
export interface Health {
  /** Allows one attempt to connect. Throws `mcp_connection_failed` while the server is spared. */
  enter(): BreakerPass;
  /** A connection is there. */
  connected(pass: BreakerPass): void;
  /** An attempt came to nothing, or a connection is over. */
  failed(failure: HostError, pass?: BreakerPass): void;
  /** It answers, but not as it should. */
  degrade(): void;
  /** It answered: whatever failed before is over. */
  answered(): void;
  /** Milliseconds until an attempt makes sense. */
  readonly pauseMs: () => number;
  status(connection: 'none' | 'opening' | 'open' | 'closed'): HealthStatus;
}

/** How a server is doing. */
export interface HealthStatus {
  readonly state: Exclude<ToolServerStatus['state'], 'quarantined'>;
  /** Why there is no connection; safe to show. */
  readonly error: HostError | undefined;
}

/** Nothing is known at first. */
export function createHealth(alias: string, times: SupervisionTimes, clock: Clock): Health {
  const breaker = createBreaker({ ...times, ...clock });
  let error: HostError | undefined;
  let isDegraded = false;

  function enter(): BreakerPass {
    const pass = breaker.enter();
    if (pass !== undefined) return pass;
    const reason = `it is not tried for a while${error === undefined ? '' : ` (${error.message})`}`;
    throw new HostError('mcp_connection_failed', `${alias}: ${reason}`, {
      facts: { server: alias },
      retryAfterMs: breaker.retryAfterMs(),
    });
  }

  function connected(pass: BreakerPass): void {
    // When it is no trial it proves little: a server may connect each time and break in each call.
    if (breaker.state() === 'closed') pass.leave();
    else pass.succeed();
    error = undefined;
    isDegraded = false;
  }

  function fail(failure: HostError, pass = breaker.enter()): void {
    error = failure;
    // A user who has to authorize the host first says nothing about the server.
    if (failure.code === 'failed_precondition') pass?.leave();
    else pass?.fail();
  }

  function answered(): void {
    isDegraded = false;
    breaker.enter()?.succeed();
  }

  function status(connection: 'none' | 'opening' | 'open' | 'closed'): HealthStatus {
    switch (connection) {
      case 'closed':
        return { state: 'closed', error: undefined };
      case 'open':
        return { state: isDegraded ? 'degraded' : 'ready', error: undefined };
      case 'opening':
        return { state: 'connecting', error };
      case 'none':
        if (error === undefined) return { state: 'idle', error };
        return { state: breaker.state() === 'open' ? 'open' : 'failed', error };
    }
  }

  return {
    enter,
    connected,
    failed: fail,
    degrade: () => void (isDegraded = true),
    answered,
    pauseMs: () => breaker.retryAfterMs(),
    status,
  };
}
