/** What a terminal would obey is shown as U+FFFD, but for lines, tabs, colours and the clearing of a screen that is drawn again: names of some objects may have any letters, and anybody may have chosen them. */
export function forTerminal(text: string): string {
  return text.replaceAll(/\x1b(?!\[(?:\d{0,3}m|H\x1b\[2J|2J))|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g, '\uFFFD');
}
