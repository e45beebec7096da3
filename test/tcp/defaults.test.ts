// Settings that follow from others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configWith, defaultConfig } from '../../src/tcp/defaults.js';

test('nobody shares the defaults', () => {
  const mine = defaultConfig();
  mine.receiveMss = 1;
  mine.nagle = !mine.nagle;
  assert.notDeepEqual(defaultConfig(), mine);
  assert.deepEqual(configWith(), defaultConfig());
});

test('a buffer of a chosen size stays at it, unless a greatest size is chosen, too', () => {
  const { sendBufferMaxBytes, receiveBufferMaxBytes } = defaultConfig();
  const grows = (config: Parameters<typeof configWith>[0]) => {
    const made = configWith(config);
    return [made.sendBufferMaxBytes, made.receiveBufferMaxBytes];
  };
  assert.deepEqual(grows({}), [sendBufferMaxBytes, receiveBufferMaxBytes]);
  assert.deepEqual(grows({ sendBufferBytes: 5000 }), [0, receiveBufferMaxBytes]);
  assert.deepEqual(grows({ receiveBufferBytes: 5000 }), [sendBufferMaxBytes, 0]);
  assert.deepEqual(grows({ sendBufferBytes: 5000, sendBufferMaxBytes: 7000 }), [7000, receiveBufferMaxBytes]);
  assert.deepEqual(grows({ receiveBufferBytes: 5000, receiveBufferMaxBytes: 7000 }), [
    sendBufferMaxBytes,
    7000,
  ]);
  assert.equal(configWith({ sendBufferMaxBytes: 7000 }).sendBufferBytes, 7000);
  assert.equal(configWith({ sendBufferMaxBytes: 1 }).sendBufferBytes, 1);
  assert.equal(configWith({ sendBufferBytes: 9000, sendBufferMaxBytes: 7000 }).sendBufferBytes, 9000);
  assert.equal(configWith({ sendBufferMaxBytes: 0 }).sendBufferBytes, defaultConfig().sendBufferBytes);
  assert.deepEqual(grows({ sendBufferMaxBytes: 7000 }), [7000, receiveBufferMaxBytes]);
});

test('RFC7323 §2.3: the shift covers the largest receive buffer there may be, unless it is chosen', () => {
  const { windowScale } = defaultConfig();
  const shift = (config: Parameters<typeof configWith>[0]) => configWith(config).windowScale;
  const wide = 0xffff << (windowScale + 1);
  assert.equal(shift({ receiveBufferBytes: wide }), windowScale + 1);
  assert.equal(shift({ receiveBufferBytes: 5000, receiveBufferMaxBytes: wide }), windowScale + 1);
  assert.equal(shift({ receiveBufferBytes: 5000 }), windowScale);
  assert.equal(shift({ receiveBufferBytes: wide, windowScale: 3 }), 3);
});
