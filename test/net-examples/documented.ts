// Every example in the documentation of net, http, https, http2 and tls (Node 20 to 26) that is a program or a part of one: in
// which program it runs here, and what of the output shows that it did; or why it says nothing about TCP.

/** An example: the heading under which it stands, and where it runs or why it does not. */
export type Documented =
  | { readonly under: string; readonly program: string; readonly prints: string }
  | { readonly under: string; readonly because: string };

const runs = (program: string, rows: Readonly<Record<string, string>>): Documented[] =>
  Object.entries(rows).map(([under, prints]) => ({ under, program, prints }));
const leftOut = (because: string, headings: readonly string[]): Documented[] =>
  headings.map((under) => ({ under, because }));

export const DOCUMENTED: Readonly<Record<string, readonly Documented[]>> = {
  net: [
    ...runs('net', {
      'net.createServer()': 'client disconnected',
      'net.createConnection()': 'connected to server!',
      'socket.connect(): onread': 'onread "hello',
      'server.listen(): EADDRINUSE': 'Address in use, retrying...',
      'server.address()': 'opened server on a port true',
      'server.listen(): signal': 'listening false',
      'socket.setTimeout()': 'socket timeout',
      'blockList.check()': 'true false',
      'net.isIP()': 'true 6 false',
    }),
    ...runs('net-places', {
      'net.createServer(), net.createConnection(): a path': 'over a path "hello',
      'server.listen(): exclusive': 'exclusive 8080 goodbye',
      'server[Symbol.asyncDispose]()': 'disposed false',
      'socket.setKeepAlive(options)': 'kept alive open',
      'new net.BoundSocket()': 'bound true goodbye',
      'blockList.fromJSON()': 'rules true',
      'net.isIPv4(), net.isIPv6()': 'true false true false',
    }),
  ],
  http: [
    ...runs('http', {
      'http.createServer(), http.get() with JSON': "200 application/json { data: 'Hello World!' }",
      'http.request() with a body': 'POST application/json',
      'new Agent({ keepAlive })': 'connections of three requests: 1',
      'request.reusedSocket': 'tried again',
      'response.addTrailers()': "'content-md5'",
      "Event: 'information'": 'Got information prior to main response: 103',
      'response.writeEarlyHints()': 'late',
      "Event: 'checkContinue', 'continue'": 'after continue: the body',
      "Event: 'clientError'": 'HTTP/1.1 400 Bad Request',
      "Event: 'upgrade'": 'got upgraded! 101',
      "Event: 'connect'": 'through the tunnel',
      'http.request(): signal': 'ABORT_ERR',
      "Event: 'timeout'": 'ECONNRESET',
    }),
    ...runs('http-messages', {
      'request.getHeader(), hasHeader()': "headers text/html [ 'foo=bar', 'bar=baz' ] true",
      'request.getHeaderNames(), getRawHeaderNames()': 'names host,foo,',
      'request.removeHeader(), message.headers': 'text/html undefined',
      'message.rawHeaders': 'rawHeaders Host',
      'message.headersDistinct': 'distinct [',
      'response.statusCode, statusMessage': '404 Not found',
      'outgoingMessage.setHeaders()': 'Not found bar 1',
      'response.writeHead(), setHeader()': 'text/plain bar hello world',
      'response.writeEarlyHints() with headers': 'information 103 id for diagnostics',
      'response.writeProcessing()': 'information 102',
      'message.url, http.request(url) with credentials': 'ryan Basic YWJjOnh5eg==',
      'message.complete': 'The connection was terminated while the message was still being sent',
      "Event: 'clientError': rawPacket": 'HPE_HEADER_OVERFLOW true',
      'http.validateHeaderName()': 'ERR_INVALID_HTTP_TOKEN',
      'http.validateHeaderValue()': 'ERR_INVALID_CHAR',
    }),
    ...runs('http-agents', {
      'new Agent(): agent false': '"url":"/","from":"number"',
      'http.request(): createConnection': '[ 8000 ]',
      "Event: 'agentRemove'": 'kept after agentRemove 0',
      'agent.keepSocketAlive(), reuseSocket(), getName()': 'made 1 localhost:8000:',
      'Built-in proxy support': 'through {"data"',
      'server.closeAllConnections(), closeIdleConnections()': 'server on port 8000 closed successfully',
      'http.Server[Symbol.asyncDispose]()': 'disposed false',
    }),
    ...leftOut('new in Node 26.8; what it writes is a response like those of writeProcessing()', [
      'response.writeInformation()',
    ]),
    ...leftOut('only sets a number of parsers, or reads a list', [
      'http.setMaxIdleHTTPParsers()',
      'http.METHODS, http.STATUS_CODES',
    ]),
  ],
  https: [
    ...runs('https', {
      'https.createServer() with key and cert, https.get()': 'statusCode: 200 hello world, GET over TLS',
      'https.request() with an Agent': 'hello world, GET over TLS true',
      'https.request() that pins a key': 'pinned 200',
      'https.request() without an agent': 'DEPTH_ZERO_SELF_SIGNED_CERT',
    }),
    ...runs('tls-secrets', {
      'https.createServer() with pfx, a URL with credentials': 'hello world Basic YWJjOnh5eg==',
      "Agent, Event: 'keylog'": 'YWJjOnh5eg== true',
      'https.request() with a certificate of the client': 'mutual true',
    }),
  ],
  http2: [
    ...runs('http2', {
      'Server-side and client-side example': '200 text/html; charset=utf-8 <h1>Hello World</h1>',
      "http2stream.pushStream(), Event: 'push'": 'some data some pushed data',
      'http2stream.respondWithFile()': 'file true',
      'http2session.ping()': 'ping null abcdefgh',
      'http2session.settings()': 'settings false h2 true',
      'Compatibility API': '100 ok /99',
      'ALPN negotiation': '"httpVersion":"1.1"',
      "Event: 'wantTrailers', sendTrailers()": 'got of the request of the response',
      'HTTP/2 as a proxy (CONNECT)': 'The server says: Jane',
    }),
    ...runs('http2-sessions', {
      "serverhttp2session.altsvc(), Event: 'altsvc'": 'altsvc h2=":8000" https://example.org:80 0',
      'serverhttp2session.altsvc() for a stream': 'altsvc h2=":8001"',
      "serverhttp2session.origin(), Event: 'origin'": 'origin https://example.net',
      'http2.createSecureServer(): origins': 'origin https://example.com,https://example.org',
      'http2session.setLocalWindowSize()': 'window 1048576',
      "Event: 'localSettings', 'remoteSettings'": 'localSettings 100000 true',
      'http2session.goaway()': 'goaway 0 some words',
      'http2stream.setTimeout()': 'cancelled true',
      "http2session.setTimeout(), Event: 'timeout'": 'timeout of the session',
      'clienthttp2session.request(): signal': 'ABORT_ERR',
      'http2.performServerHandshake()': 'by hand',
      'Collecting HTTP/2 performance metrics': 'Http2Session client,server',
      'http2.getPackedSettings(), getUnpackedSettings()': 'AAIAAAAA false',
    }),
    ...runs('http2-streams', {
      'http2stream.respondWithFD()': 'respondWithFD 200 true true',
      'http2stream.respondWithFD(): a FileHandle, waitForTrailers': 'FileHandle true some value to send',
      'http2stream.respondWithFile(): statCheck': 'respondWithFile BEGIN  string',
      'http2stream.respondWithFile(): 304': 'unmodified 304',
      'http2stream.respondWithFile(): onError': 'missing 404',
      'http2stream.additionalHeaders(), constants': 'additionalHeaders 103 200 some data',
      'Sensitive headers': 'sensitive cookie cookie',
      'http2stream.close()': 'ERR_HTTP2_STREAM_ERROR 7',
      'The extended CONNECT protocol': 'extended protocol foo',
      'response.writeEarlyHints()': 'hints 103',
      'response.createPushResponse(), addTrailers(), request.url':
        'GET ryan localhost pushed 7895bf4b8828b55ceaf47747b4bca667',
      "Event: 'checkContinue'": 'continued the body',
    }),
    ...leftOut('says what an argument would look like, and runs nothing', [
      'Headers object, raw headers',
      'Settings object',
    ]),
  ],
  tls: [
    ...runs('tls', {
      'tls.createServer() with key and cert, tls.connect()': 'client connected authorized',
      'ALPN and SNI': 'TLSv1.3 true',
      'Session resumption': 'session reused false true',
      "Event: 'newSession', 'resumeSession'": 'sessions 1 1 true',
      'tls.connect(): socket': 'over a socket true',
      "Event: 'tlsClientError'": 'ERR_SSL_HTTP_REQUEST',
      'Pre-shared keys': 'a shared secret',
    }),
    ...runs('tls-secrets', {
      'tls.createServer() with pfx, tls.connect() with pfx': 'pfx true welcome!',
      "Event: 'keylog'": 'keylog true true true',
      "Event: 'session'": 'session true',
      'tlsSocket.exportKeyingMaterial()': 'exportKeyingMaterial true',
      'tlsSocket.getCipher(), getEphemeralKeyInfo()': 'TLSv1.3 TLSv1.3',
      'tlsSocket.setMaxSendFragment()': 'fragment true',
      'server.addContext()': 'context of a.example.com',
      "Event: 'OCSPRequest', 'OCSPResponse'": 'ocsp true',
      'server.setTicketKeys()': 'ticket keys 48',
      'new tls.TLSSocket(), tlsSocket.renegotiate()': 'negotiated again',
      'tls.getCiphers(), tls.rootCertificates': 'true true TLSv1.3',
    }),
    ...leftOut('about certificates of the process, before any connection', [
      'tls.getCACertificates()',
      'tls.setDefaultCACertificates()',
    ]),
    ...leftOut('about options of the command line', ['Modifying the default TLS cipher suite']),
  ],
};
