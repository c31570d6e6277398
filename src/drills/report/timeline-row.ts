import type { Markup } from './markup.ts';

/** One line of a timeline: `draw` gets the place of its upper edge. */
export interface TimelineRow {
  readonly height: number;
  readonly draw: (top: number) => Markup;
}
