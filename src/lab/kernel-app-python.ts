// The application on the kernel's side once more, for what Node cannot ask of a socket: data on the SYN, a delayed third
// segment. The same commands and the same answers as those of kernel-app.ts.

/** The program, for `python3 -c`. */
export const PYTHON_APP = `
import errno, json, os, select, socket, struct

TCP_QUICKACK, TCP_NODELAY, TCP_FASTOPEN, MSG_FASTOPEN = 12, 1, 23, 0x20000000
server, conn, connecting, ended, paused, at_end = None, None, False, False, False, 'nothing'

def tell(**event):
    print(json.dumps(event), flush=True)

def pattern(n):
    return bytes(0x41 + ((i + (i >> 8)) % 26) for i in range(n))

def send(data):
    data = pattern(data) if isinstance(data, int) else data.encode()
    tell(ev='sent', hex=data.hex())
    conn.sendall(data)

def leave(reset):
    global conn
    if conn is None:
        return
    if reset:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    conn.close()
    conn = None
    tell(ev='closed')

def connect(c):
    global conn
    try:
        begin(c)
    except OSError:
        conn.close()
        conn = None
        raise

def begin(c):
    global conn, connecting, ended
    ended = False
    conn = socket.socket()
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    conn.bind((c['localAddress'], c['localPort']))
    if c.get('fastOpen'):
        data = c['data'].encode()
        tell(ev='sent', hex=data.hex())
        conn.setblocking(False)
        try:
            conn.sendto(data, MSG_FASTOPEN, (c['host'], c['port']))
        except BlockingIOError:
            pass
        connecting = True
        return
    conn.setsockopt(socket.IPPROTO_TCP, TCP_QUICKACK, 0)
    conn.connect((c['host'], c['port']))
    tell(ev='established')
    conn.setsockopt(socket.IPPROTO_TCP, TCP_NODELAY, 1)
    if 'data' in c:
        send(c['data'])

def obey(c):
    global server, paused, at_end
    if c['do'] == 'listen':
        at_end = c['atEnd']
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((c['host'], c['port']))
        server.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
        server.listen(c['backlog'])
        tell(ev='listening')
    elif c['do'] == 'connect':
        connect(c)
    elif c['do'] == 'send':
        send(c['data'])
    elif c['do'] == 'shutdown':
        conn.shutdown(socket.SHUT_WR)
    elif c['do'] in ('close', 'abort'):
        leave(c['do'] == 'abort')
    elif c['do'] == 'pause':
        paused = True
    elif c['do'] == 'at-end':
        at_end = c['what']

def read():
    global ended
    try:
        data = conn.recv(65536)
    except OSError as error:
        tell(ev='error', code=errno.errorcode.get(error.errno, str(error)))
        leave(False)
        return
    if data:
        tell(ev='data', hex=data.hex())
        return
    ended = True
    tell(ev='end')
    if at_end == 'close':
        leave(False)

tell(ev='ready')
pending = b''
while True:
    readers = [0] + ([server] if server else []) + ([conn] if conn and not ended and not paused else [])
    writers = [conn] if conn and connecting else []
    ready, writable, _ = select.select(readers, writers, [])
    if writable and connecting:
        connecting = False
        tell(ev='established')
    if 0 in ready:
        data = os.read(0, 65536)
        if data == b'':
            break
        *lines, pending = (pending + data).split(b'\\n')
        for line in lines:
            try:
                obey(json.loads(line))
            except OSError as error:
                tell(ev='error', code=errno.errorcode.get(error.errno, str(error)))
        continue
    if server in ready:
        conn, _ = server.accept()
        ended = False
        conn.setsockopt(socket.IPPROTO_TCP, TCP_NODELAY, 1)
        tell(ev='accepted')
    elif conn in ready:
        read()
`;
