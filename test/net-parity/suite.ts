// The parity suite: everyday behaviour of `net`, with the same expectations for every module that claims its shape.
import { describe } from 'node:test';
import { defineArgumentCases } from './argument-cases.js';
import { defineBoundCases } from './bound-cases.js';
import { defineCompletionCases } from './completion-cases.js';
import { defineConnectingCases } from './connecting-cases.js';
import { defineDataCases } from './data-cases.js';
import { defineEndingCases } from './ending-cases.js';
import type { Environment } from './environment.js';
import { defineHostCases } from './host-cases.js';
import { defineLookupCases } from './lookup-cases.js';
import { defineMisuseCases } from './misuse-cases.js';
import { defineNewerCases } from './newer-cases.js';
import { defineOptionCases } from './option-cases.js';
import { defineReferenceCases } from './reference-cases.js';
import { defineRepeatedCases } from './repeated-cases.js';
import { defineServerCases } from './server-cases.js';
import { defineShapeCases } from './shape-cases.js';

/** Registers all cases for one environment. */
export function defineParitySuite(name: string, env: Environment): void {
  describe(`${name}: data`, () => defineDataCases(env));
  describe(`${name}: completions`, () => defineCompletionCases(env));
  describe(`${name}: endings`, () => defineEndingCases(env));
  describe(`${name}: connecting`, () => defineConnectingCases(env));
  describe(`${name}: connecting again`, () => defineRepeatedCases(env));
  describe(`${name}: misuse`, () => defineMisuseCases(env));
  describe(`${name}: lookups`, () => defineLookupCases(env));
  describe(`${name}: references`, () => defineReferenceCases(env));
  describe(`${name}: servers`, () => defineServerCases(env));
  describe(`${name}: options`, () => defineOptionCases(env));
  describe(`${name}: what came later`, () => defineNewerCases(env));
  if ('BoundSocket' in env.server) describe(`${name}: bound sockets`, () => defineBoundCases(env));
  if (env.isOneHost) describe(`${name}: one host`, () => defineHostCases(env));
  describe(`${name}: shape`, () => defineShapeCases(env));
  describe(`${name}: arguments`, () => defineArgumentCases(env));
}
