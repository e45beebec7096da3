import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWrk } from './wrk.js';

const REPORT = `Running 2s test @ http://10.1.0.2:5004/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   612.33us    1.02ms  20.11ms   97.21%
    Req/Sec    90.12k     4.11k   98.07k    80.00%
  Latency Distribution
     50%  501.00us
     75%  610.00us
     90%  790.00us
     99%    4.53ms
  180311 requests in 2.01s, 25.97MB read
  Socket errors: connect 0, read 3, write 0, timeout 1
Requests/sec:  89707.61
Transfer/sec:     12.92MB
`;

test('what wrk prints is read as our own report', () => {
  const { seconds, operations, bytes, p50Us, p99Us, failures } = readWrk(REPORT);
  assert.equal(operations, 180_311);
  assert.equal(seconds, 2.01);
  assert.equal(Math.round(bytes), Math.round(25.97 * 1024 * 1024));
  assert.equal(p50Us, 501);
  assert.ok(Math.abs(p99Us - 4530) < 1e-6);
  assert.equal(failures, 4);
});

test('answers that are no success count as failures', () => {
  assert.equal(readWrk(`${REPORT}  Non-2xx or 3xx responses: 7\n`).failures, 11);
});

test('what is no report is refused', () => {
  assert.throws(() => readWrk('unable to connect to 10.1.0.2:5004 Connection refused'), /no report of wrk/);
});
