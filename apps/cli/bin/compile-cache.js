// Keeps compiled sources for the next start, which is most of what a start takes. Whoever can write there can make the command
// run what he likes: so it is nowhere that others can write, such as the system's temporary directory, where Node has it.
import { lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** For this process, its threads and the commands that it starts. Does nothing where the user has chosen, or no place is safe. */
export function keepCompiled(environment) {
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME = '' } = environment;
  if (NODE_COMPILE_CACHE !== undefined || NODE_DISABLE_COMPILE_CACHE !== undefined) return;
  const home = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache');
  const directory = join(home, 'model-host', 'compiled');
  if (!isAbsolute(home) || !isSafe(directory)) return;
  // An older Node has no such function, and none of the sources to compile.
  module.enableCompileCache?.(directory);
  // Threads and further processes know it by the variable alone.
  environment.NODE_COMPILE_CACHE = directory;
}

/** Whether nobody else can write to the directory, or put another in its place. Makes it if need be. */
function isSafe(directory) {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return [directory, dirname(directory)].every(isOurs);
  } catch {
    return false;
  }
}

function isOurs(directory) {
  const status = lstatSync(directory);
  // On Windows there are no such numbers, and what lies in the directory of a user is his.
  if (process.getuid === undefined) return status.isDirectory();
  const isForOthers = (status.mode & 0o022) !== 0;
  return status.isDirectory() && status.uid === process.getuid() && !isForOthers;
}
