/** Roughly how wide a text will be; pictures have no other way to know. */
export function textWidth(text: string, size: number): number {
  return text.length * size * 0.56;
}

/** A text with its end left out where it would be wider than `room`; nothing where not even three characters fit. */
export function cutText(text: string, room: number, size: number): string {
  if (textWidth(text, size) <= room) return text;
  const length = Math.floor(room / (size * 0.56)) - 1;
  return length < 3 ? '' : `${text.slice(0, length).trimEnd()}\u2026`;
}
