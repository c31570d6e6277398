import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLabelSelector } from './label-selector.ts';

describe('a label selector', () => {
  const object = { metadata: { labels: { app: 'web', 'example.org/tier': '', zone: 'a' } } };
  for (const [text, matches] of [
    ['app=web', true], ['app==web', true], ['app=other', false], ['app!=web', false], ['app!=other', true], ['none!=x', true],
    ['app', true], ['none', false], ['!none', true], ['!app', false], ['example.org/tier=', true], ['example.org/tier', true],
    ['app in (shop,web)', true], ['app in (shop)', false], ['none in (x)', false], ['app notin (shop, web)', false], ['none notin (x)', true],
    ['app=web,zone in (a,b),!none', true], ['app=web,zone=b', false], ['toString', false],
  ] as const) it(`${text} ${matches ? 'takes' : 'does not take'} it`, () => assert.equal(parseLabelSelector(text)(object), matches));

  it('takes what has no labels as having none', () => assert.equal(parseLabelSelector('!app')({ metadata: {} }), true));

  for (const text of ['', 'a=b=c', 'app=web,', 'a in b', '=x', 'a in (b']) it(`"${text}" is refused`, () => assert.throws(() => parseLabelSelector(text), { code: 'usage' }));
});
