// Work in another network namespace: sockets and /proc of it, and always the way back.
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { loadBinding } from '../../src/native/load.js';
import { TestNamespace, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const here = () => readlinkSync('/proc/thread-self/ns/net');

describe('inNamespace', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  after(() => namespace?.remove());

  it('runs a function there, returns what it returns, and is home again', () => {
    const home = here();
    const there = loadBinding().inNamespace(namespace.path, here);
    assert.match(there, /^net:/);
    assert.notEqual(there, home);
    assert.equal(here(), home);
  });

  it('passes an exception on from home', () => {
    const home = here();
    const failing = () => {
      throw new RangeError('so it is');
    };
    assert.throws(() => loadBinding().inNamespace(namespace.path, failing), RangeError);
    assert.equal(here(), home);
  });

  it('says why it cannot go there', () => {
    const { inNamespace } = loadBinding();
    assert.throws(() => inNamespace('/run/netns/no-such', here), { code: 'ENOENT', syscall: 'open' });
    assert.throws(() => inNamespace('/dev/null', here), { code: 'EINVAL', syscall: 'setns' });
    assert.throws(() => inNamespace(7 as never, here), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => inNamespace(namespace.path, null as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});
