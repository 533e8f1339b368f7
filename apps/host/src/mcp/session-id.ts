import { randomBytes } from 'node:crypto';

/** 192 random bits in visible ASCII: nobody guesses a session or a task. */
export function createSessionId(): string {
  return randomBytes(24).toString('base64url');
}
