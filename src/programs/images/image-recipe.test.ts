import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basePackages, imageName } from './image-recipe.ts';

test('an image is named by everything that decides what is in it, and by nothing else', () => {
  const name = imageName('trixie', basePackages, 'x64');
  assert.match(name, /^trixie-[0-9a-f]{12}$/);
  assert.equal(imageName('trixie', [...basePackages.toReversed(), 'haproxy'], 'x64'), name);
  const others = [imageName('bookworm', basePackages, 'x64'), imageName('trixie', [...basePackages, 'containerd'], 'x64'), imageName('trixie', basePackages, 'arm64')];
  assert.equal(new Set([name, ...others]).size, 4);
});
