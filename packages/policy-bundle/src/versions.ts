/** A minimum: three numbers and nothing else. */
export const minimumPattern: RegExp = /^(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}$/;
const actualPattern = /^(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(-[0-9A-Za-z.-]{1,64})?(?:\+.{0,64})?$/;

/** Whether a version is the minimum or later. A pre-release comes before its release; what is no version is none. */
export function isAtLeast(version: string, minimum: string): boolean {
  const match = actualPattern.exec(version);
  if (match === null) return false;
  const wanted = minimum.split('.').map(Number);
  for (const [index, part] of wanted.entries()) {
    const difference = Number(match[index + 1] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return match[4] === undefined;
}
