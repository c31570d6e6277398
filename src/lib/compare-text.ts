/** Orders texts by their letters' numbers, whatever the language of the computer is: for `sort`. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
