// The instruments of the core's tests in one place; each has its own file.
export { BENCH_CONFIG, Bench, type BenchOptions, OUR_SALT, PEER_SALT } from './bench.js';
export * from './notation.js';
export { isPureAck, losing, Pair, type Path, Side, steady } from './pair.js';
export { Random } from './random.js';
export { Recorder } from './recorder.js';
