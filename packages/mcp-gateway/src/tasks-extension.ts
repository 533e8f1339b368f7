import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';

/** Name of the extension that lets a call go on as a task. */
export const tasksExtension = 'io.modelcontextprotocol/tasks';

/** Whether somebody with these capabilities can be given a task. */
export function hasTasks({ extensions }: JsonObject): boolean {
  return isJsonObject(extensions) && isJsonObject(extensions[tasksExtension]);
}
