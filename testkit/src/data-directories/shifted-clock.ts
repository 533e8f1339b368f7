/** Loaded before a host with `?at=<ms>` in its address: the clock of that process begins at this time, and goes on from there. */
const at = Number(new URL(import.meta.url).searchParams.get('at'));
const { now } = Date;
const shiftMs = at - now();
Date.now = (): number => now() + shiftMs;
