// A static file server as a handler for `node:http`: files, listings, ranges, nothing outside of its folder.
import { constants, createReadStream, type Stats } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.xml': 'application/xml',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.pdf': 'application/pdf',
  '.gz': 'application/gzip',
  '.zip': 'application/zip',
  '.mp4': 'video/mp4',
};

/** Entries that a listing shows, at most. */
const LISTING_LIMIT = 10_000;

/** Settings of `fileHandler`. */
export interface FileHandlerOptions {
  /** Folder that is served. Nothing outside of it is, not through `..` and not through symbolic links. */
  readonly root: string;
  /** End the connection after every response, so that the server closes first. */
  readonly closeAfterResponse: boolean;
  /** Hears of every response that ended. */
  readonly onServed?: (line: string) => void;
}

/** Answers GET and HEAD from the files of a folder. Errors become responses; nothing is thrown. */
export function fileHandler(
  options: FileHandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    response.once('close', () => {
      options.onServed?.(`${request.method} ${request.url} ${response.statusCode}`);
    });
    if (options.closeAfterResponse) response.setHeader('Connection', 'close');
    try {
      await answer(options.root, request, response);
    } catch (error) {
      if (response.headersSent) response.destroy(error as Error);
      else refuse(response, statusFor(error));
    }
  };
}

function statusFor(error: unknown): number {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return 404;
    case 'EACCES':
    case 'EPERM':
      return 403;
    default:
      return 500;
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'That is not a path.',
  403: 'That may not be read.',
  404: 'There is no such file.',
  405: 'Only GET and HEAD.',
  416: 'That range lies outside of the file.',
  500: 'The file could not be read.',
};

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  const body = `${status} ${REASONS[status] ?? ''}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405, { Allow: 'GET, HEAD' });
    return;
  }
  const wanted = decodedPath(request.url ?? '/');
  if (wanted === null) {
    refuse(response, 400);
    return;
  }
  const base = await realpath(root);
  const path = await realpath(join(base, wanted));
  if (path !== base && !path.startsWith(base === sep ? sep : base + sep)) {
    refuse(response, 404);
    return;
  }
  const stats = await stat(path);
  if (stats.isDirectory()) await answerDirectory(path, wanted, request, response);
  else if (stats.isFile()) await answerFile(path, request, response);
  else refuse(response, 403);
}

/** The path of a request target, decoded; null when it is none. `..` is harmless: the caller resolves and compares. */
function decodedPath(target: string): string | null {
  const path = target.split(/[?#]/, 1)[0]!;
  try {
    const decoded = decodeURIComponent(path);
    return decoded.startsWith('/') && !decoded.includes('\0') ? decoded : null;
  } catch {
    return null;
  }
}

async function answerDirectory(
  path: string,
  wanted: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!wanted.endsWith('/')) {
    // Relative links in the page would otherwise start one level too high. A target that begins with two slashes
    // would name another host.
    const location = `/${encodePath(wanted).replace(/^\/+/, '')}/`;
    response.writeHead(301, { Location: location, 'Content-Length': 0 }).end();
    return;
  }
  const index = join(path, 'index.html');
  if ((await isPlainFile(index)) !== null) {
    await answerFile(index, request, response);
    return;
  }
  const body = Buffer.from(await listing(path, wanted));
  response.writeHead(200, { 'Content-Type': TYPES['.html'], 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function isPlainFile(path: string): Promise<Stats | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const stats = await handle.stat();
      return stats.isFile() ? stats : null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

async function listing(path: string, wanted: string): Promise<string> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort()
    .slice(0, LISTING_LIMIT);
  if (wanted !== '/') names.unshift('../');
  // `./` keeps a name with a colon from being read as a scheme.
  const rows = names.map((name) => `<li><a href="./${encodePath(name)}">${escapeHtml(name)}</a></li>`);
  const title = escapeHtml(wanted);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><h1>${title}</h1><ul>
${rows.join('\n')}
</ul></body></html>
`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

async function answerFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    const stats = await handle.stat();
    const modified = stats.mtime.toUTCString();
    const headers: Record<string, string | number> = {
      'Content-Type': TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
      'Last-Modified': modified,
      'Accept-Ranges': 'bytes',
      'X-Content-Type-Options': 'nosniff',
    };
    if (request.headers['if-modified-since'] === modified) {
      response.writeHead(304, headers).end();
      return;
    }
    const range = rangeOf(request.headers.range, stats.size);
    if (range === 'unsatisfiable') {
      refuse(response, 416, { 'Content-Range': `bytes */${stats.size}` });
      return;
    }
    const { start, end } = range ?? { start: 0, end: stats.size - 1 };
    headers['Content-Length'] = end - start + 1;
    if (range !== null) headers['Content-Range'] = `bytes ${start}-${end}/${stats.size}`;
    response.writeHead(range === null ? 200 : 206, headers);
    if (request.method === 'HEAD' || end < start) {
      response.end();
      return;
    }
    await pipeline(createReadStream(path, { fd: handle, start, end, autoClose: false }), response);
  } finally {
    await handle.close();
  }
}

/** One range (RFC 9110 §14.1.2); several, or anything else that we do not serve, mean the whole file. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const last = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[1] === '') {
    const length = Number(match[2]);
    return length === 0 || size === 0
      ? 'unsatisfiable'
      : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(match[1]);
  if (start >= size) return 'unsatisfiable';
  return last < start ? null : { start, end: last };
}
