// Where the bytes of a capture go: a file or an open descriptor, in order, in large chunks, without making the
// stack wait. What the bytes mean is pcapng.ts's affair.
import { close as closeFile, openSync, write, writeSync } from 'node:fs';

/** Takes the bytes of a capture in order. */
export interface CaptureSink {
  /** Writes all of `bytes`, which stay untouched until `done` is called. One call at a time. */
  write(bytes: Uint8Array, done: (error: Error | null) => void): void;
  /** Writes all of `bytes` before it returns; throws what the system reports. */
  writeSync(bytes: Uint8Array): void;
  /** Lets go of the file. */
  close(done: (error: Error | null) => void): void;
}

/**
 * A file, made or emptied, or an open descriptor (`1` is standard output), which is then left open.
 * @throws the system's error (`ENOENT`, `EACCES`, …) when the file cannot be opened
 */
export function fileSink(target: string | number): CaptureSink {
  const fd = typeof target === 'number' ? target : openSync(target, 'w');
  return {
    write: (bytes, done) => writeAll(fd, bytes, 0, done),
    writeSync: (bytes) => {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
    },
    close: (done) => {
      if (typeof target === 'number') done(null);
      else closeFile(fd, (error) => done(error ?? null));
    },
  };
}

function writeAll(fd: number, bytes: Uint8Array, at: number, done: (error: Error | null) => void): void {
  write(fd, bytes, at, bytes.length - at, null, (error, written) => {
    // A non-blocking pipe whose reader is slow: try again, the data is bounded by the writer's buffer.
    if (error !== null && error.code === 'EAGAIN') {
      setTimeout(() => writeAll(fd, bytes, at, done), 5);
    } else if (error !== null) {
      done(error);
    } else if (at + written < bytes.length) {
      writeAll(fd, bytes, at + written, done);
    } else {
      done(null);
    }
  });
}

/** Chunks handed to the sink are about this large. */
const CHUNK_BYTES = 256 * 1024;

/** Collects blocks and writes them behind the caller's back, or at once in synchronous mode. */
export class BlockWriter {
  private chunk: Uint8Array[] = [];
  private chunkBytes = 0;
  private writing = false;
  private scheduled = false;
  private inFlightBytes = 0;
  private closed: Promise<void> | null = null;
  private idle: (() => void) | null = null;
  /** The first error of the sink; nothing is written after it. */
  failure: Error | null = null;

  /**
   * @param maxBufferedBytes bytes that may wait for the sink
   * @param sync write every block before `add` returns
   */
  constructor(
    private readonly sink: CaptureSink,
    private readonly maxBufferedBytes: number,
    private readonly sync: boolean,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Bytes accepted and not yet taken by the sink. */
  get bufferedBytes(): number {
    return this.chunkBytes + this.inFlightBytes;
  }

  /** Takes one block, which must stay untouched. Returns false when it does not fit or the sink is broken. */
  add(block: Uint8Array, essential = false): boolean {
    if (this.failure !== null || this.closed !== null) return false;
    if (this.sync) return this.writeNow(block);
    if (!essential && this.bufferedBytes + block.length > this.maxBufferedBytes) return false;
    this.chunk.push(block);
    this.chunkBytes += block.length;
    if (this.chunkBytes >= CHUNK_BYTES) this.pump();
    else this.schedule();
    return true;
  }

  /** Writes what is left and closes the sink. Rejects with the first error that the sink had. */
  close(): Promise<void> {
    this.closed ??= this.finish();
    return this.closed;
  }

  private writeNow(block: Uint8Array): boolean {
    try {
      this.sink.writeSync(block);
      return true;
    } catch (error) {
      this.fail(error as Error);
      return false;
    }
  }

  /** A short wait gathers the blocks of a turn, and a live reader still sees them at once. */
  private schedule(): void {
    if (this.scheduled || this.writing) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    if (this.writing || this.failure !== null) return;
    if (this.chunkBytes === 0) {
      this.idle?.();
      return;
    }
    const bytes = concatenate(this.chunk, this.chunkBytes);
    this.chunk = [];
    this.chunkBytes = 0;
    this.inFlightBytes = bytes.length;
    this.writing = true;
    this.sink.write(bytes, (error) => {
      this.writing = false;
      this.inFlightBytes = 0;
      if (error !== null) this.fail(error);
      this.pump();
    });
  }

  private fail(error: Error): void {
    this.failure = error;
    this.chunk = [];
    this.chunkBytes = 0;
    this.onFailure(error);
    this.idle?.();
  }

  private async finish(): Promise<void> {
    if (this.failure === null && (this.writing || this.chunkBytes > 0)) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
        this.pump();
      });
    }
    await new Promise<void>((resolve, reject) => {
      this.sink.close((error) => {
        const first = this.failure ?? error;
        if (first === null) resolve();
        else reject(first);
      });
    });
  }
}

function concatenate(blocks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const block of blocks) {
    bytes.set(block, at);
    at += block.length;
  }
  return bytes;
}
