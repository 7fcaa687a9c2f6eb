import assert from 'node:assert/strict';
import test from 'node:test';

import '../served.js';

const { isBehind } = await import('/static/js/operator/batch.js');

test('a page of a batch is behind as soon as one of its payouts has moved', () => {
  assert.equal(isBehind({ stamp: 'approved reserved:2' }, 'approved reserved:2'), false);
  assert.equal(isBehind({ stamp: 'approved paid:1 reserved:1' }, 'approved reserved:2'), true);
  assert.equal(isBehind({ stamp: 'done paid:2' }, 'approved paid:2'), true);
});
