import assert from 'node:assert/strict';
import { it } from 'node:test';
import { forTerminal } from './for-terminal.ts';

it('what a terminal would obey is shown and not done; colours, lines and a screen that is drawn again stay', () => {
  const own = '\x1b[H\x1b[2J\x1b[31mred\x1b[0m\tgrößer\n';
  assert.equal(forTerminal(own), own);
  assert.equal(forTerminal('a\x1b]0;title\x07b\x1b[2Kc\rd\x9be'), 'a\uFFFD]0;title\uFFFDb\uFFFD[2Kc\uFFFDd\uFFFDe');
});
