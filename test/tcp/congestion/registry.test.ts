// Controllers by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROLLER_NAMES, controllerNamed } from '../../../src/tcp/congestion/registry.js';

test('every name makes a controller that bears it', () => {
  for (const known of ['cubic', 'newreno', 'dctcp']) assert.ok(CONTROLLER_NAMES.includes(known), known);
  for (const name of CONTROLLER_NAMES) assert.equal(controllerNamed(name)!(1460, 10).name, name);
});

test("reno is Linux's name of NewReno", () => {
  assert.equal(controllerNamed('reno'), controllerNamed('newreno'));
});

test('unknown names, and those of every object, name nothing', () => {
  for (const name of ['', 'vegas', 'CUBIC', 'constructor', '__proto__', 'toString']) {
    assert.equal(controllerNamed(name), null, name);
  }
});
