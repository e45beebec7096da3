# The kernel's sockets, at the command of a script: one JSON object a line comes in, one goes out. Nothing of what comes is
# ever executed: calls and names are those of the tables below.
import array, errno, fcntl, json, os, re, select, socket, struct, sys, termios, threading

PERIOD = 251
PATTERN = bytes(range(PERIOD))
SETTING = re.compile(r'^net\.ipv4\.(tcp_[a-z0-9_]+|ip_default_ttl|ip_no_pmtu_disc)$')
VALUE = re.compile(r'^[A-Za-z0-9_. \t-]*$')

sockets = {}
counts = {}
changed = {}
output = threading.Lock()

SOL = {'SO': socket.SOL_SOCKET, 'TCP': socket.IPPROTO_TCP, 'IP': socket.IPPROTO_IP, 'IPV6': socket.IPPROTO_IPV6}
NUMBERS = {
    'TCP_CONGESTION': 13, 'TCP_USER_TIMEOUT': 18, 'TCP_MAXSEG': 2, 'SO_ACCEPTCONN': 30, 'IP_MTU_DISCOVER': 10,
    'IPV6_TCLASS': 67, 'SO_DEBUG': 1,
}
INFO_BYTES = ['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options']
INFO_WORDS = {
    'rto': 8, 'ato': 12, 'snd_mss': 16, 'rcv_mss': 20, 'unacked': 24, 'sacked': 28, 'lost': 32, 'retrans': 36,
    'pmtu': 60, 'rtt': 68, 'rttvar': 72, 'snd_ssthresh': 76, 'snd_cwnd': 80, 'advmss': 84, 'total_retrans': 100,
    'segs_out': 136, 'segs_in': 140, 'notsent_bytes': 144, 'min_rtt': 148, 'data_segs_in': 152, 'data_segs_out': 156,
    'dsack_dups': 216, 'reord_seen': 220, 'rcv_ooopack': 224, 'snd_wnd': 228,
}
INFO_LONGS = {'bytes_acked': 120, 'bytes_received': 128, 'bytes_sent': 200, 'bytes_retrans': 208}


def pattern(offset, length):
    start = offset % PERIOD
    return (PATTERN * (length // PERIOD + 2))[start:start + length]


def constant(name):
    return NUMBERS[name] if name in NUMBERS else getattr(socket, name)


def level(name):
    return SOL[name.split('_')[0]]


def flags_of(names):
    value = 0
    for name in names:
        value |= getattr(socket, name)
    return value


def open_socket(call):
    family = socket.AF_INET6 if call['family'] == 6 or call['host6'] else socket.AF_INET
    kind = socket.SOCK_STREAM | (socket.SOCK_NONBLOCK if call['nonblocking'] else 0)
    sockets[call['fd']] = keep(socket.socket(family, kind), call['nonblocking'])
    return {'value': call['fd']}


def keep(sock, nonblocking):
    # Python must not wait on its own: whether a call blocks is decided by O_NONBLOCK alone.
    sock.settimeout(None)
    set_nonblocking(sock, nonblocking)
    return sock


def set_nonblocking(sock, on):
    flags = fcntl.fcntl(sock, fcntl.F_GETFL)
    fcntl.fcntl(sock, fcntl.F_SETFL, flags | os.O_NONBLOCK if on else flags & ~os.O_NONBLOCK)


def bind(sock, call):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((call['local'], call['port']))
    return {'value': 0}


def listen(sock, call):
    sock.listen(call['backlog'])
    return {'value': 0}


def accept(sock, call):
    new, _ = sock.accept()
    sockets[call['newFd']] = keep(new, call['nonblocking'])
    return {'value': call['newFd']}


def connect(sock, call):
    sock.connect((call['remote'], call['port']))
    return {'value': 0}


def read(sock, call):
    data = sock.recv(call['length'], flags_of(call['flags']))
    count = counts.setdefault(call['fd'], [0, 0])
    wanted = pattern(count[0], len(data))
    bad = next((i for i in range(len(data)) if data[i] != wanted[i]), None) if data != wanted else None
    corrupt = None if bad is None else count[0] + bad
    if 'MSG_PEEK' not in call['flags']:
        count[0] += len(data)
    return {'value': len(data), 'corruptAt': corrupt}


def write(sock, call):
    count = counts.setdefault(call['fd'], [0, 0])
    length = call['length']
    if call['text'] is None:
        data = pattern(count[1], length)
    else:
        data = call['text'].encode('latin-1')[:length].ljust(length, b'\0')
    flags = flags_of(call['flags']) | socket.MSG_NOSIGNAL
    opens = 'MSG_FASTOPEN' in call['flags']
    sent = sock.sendto(data, flags, (call['remote'], call['port'])) if opens else sock.send(data, flags)
    count[1] += sent
    return {'value': sent}


def shutdown(sock, call):
    sock.shutdown(getattr(socket, call['how']))
    return {'value': 0}


def close(sock, call):
    del sockets[call['fd']]
    counts.pop(call['fd'], None)
    sock.close()
    return {'value': 0}


def control(sock, call):
    if call['command'] == 'F_GETFL':
        return {'value': fcntl.fcntl(sock, fcntl.F_GETFL)}
    set_nonblocking(sock, call['nonblocking'])
    return {'value': 0}


def set_option(sock, call):
    name, value = call['option'], call['value']
    if isinstance(value, dict):
        value = struct.pack('ii', value['onoff'], value['linger'])
    elif isinstance(value, str):
        value = value.encode()
    sock.setsockopt(level(name), constant(name), value)
    return {'value': 0}


def get_option(sock, call):
    name = call['option']
    if name == 'TCP_CONGESTION':
        return {'value': 0, 'out': sock.getsockopt(level(name), constant(name), 16).split(b'\0')[0].decode()}
    if name == 'SO_LINGER':
        onoff, linger = struct.unpack('ii', sock.getsockopt(level(name), constant(name), 8))
        return {'value': 0, 'out': {'onoff': onoff, 'linger': linger}}
    return {'value': 0, 'out': sock.getsockopt(level(name), constant(name))}


def control_io(sock, call):
    number = array.array('i', [0])
    fcntl.ioctl(sock, termios.FIONREAD if call['request'] == 'SIOCINQ' else termios.TIOCOUTQ, number)
    return {'value': 0, 'out': number[0]}


def poll(call):
    poller = select.poll()
    for entry in call['fds']:
        wanted = 0
        for event in entry['events']:
            wanted |= getattr(select, event)
        poller.register(sockets[entry['fd']], wanted)
    found = dict(poller.poll(None if call['timeoutMs'] < 0 else call['timeoutMs']))
    names = ['POLLIN', 'POLLPRI', 'POLLOUT', 'POLLERR', 'POLLHUP', 'POLLRDHUP', 'POLLNVAL']
    out = []
    for entry in call['fds']:
        got = found.get(sockets[entry['fd']].fileno(), 0)
        out.append([name for name in names if got & getattr(select, name)])
    return {'value': len(found), 'out': out}


CALLS = {
    'bind': bind, 'listen': listen, 'accept': accept, 'connect': connect, 'read': read, 'write': write,
    'shutdown': shutdown, 'close': close, 'fcntl': control, 'setsockopt': set_option, 'getsockopt': get_option,
    'ioctl': control_io,
}
MAY_BLOCK = {'accept', 'connect', 'read', 'write', 'poll'}


def perform(call):
    try:
        if call['name'] == 'socket':
            return open_socket(call)
        if call['name'] == 'poll':
            return poll(call)
        sock = sockets.get(call['fd'])
        if sock is None:
            return {'value': -1, 'errno': 'EBADF'}
        return CALLS[call['name']](sock, call)
    except OSError as error:
        return {'value': -1, 'errno': errno.errorcode.get(error.errno, str(error.errno))}


def info(request):
    sock = sockets.get(request['fd'])
    if sock is None:
        return {'info': None}
    data = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256).ljust(256, b'\0')
    found = {name: data[i] for i, name in enumerate(INFO_BYTES)}
    found['snd_wscale'] = data[6] & 15
    found['rcv_wscale'] = data[6] >> 4
    for name, at in INFO_WORDS.items():
        found[name] = struct.unpack_from('I', data, at)[0]
    for name, at in INFO_LONGS.items():
        found[name] = struct.unpack_from('Q', data, at)[0]
    return {'info': found}


def path_of(name):
    return '/proc/sys/' + name.replace('.', '/')


def put(name, value):
    with open(path_of(name), 'w') as file:
        file.write(value)


def setting(request):
    name, value = request['setting'], request['to']
    if not SETTING.match(name) or not VALUE.match(value):
        return {'refused': 'it is not one of the kernel that a script may change'}
    try:
        with open(path_of(name)) as file:
            before = file.read().strip()
        put(name, value)
    except OSError as error:
        return {'refused': error.strerror}
    if request['lasting'] is False:
        changed.setdefault(name, before)
    return {}


def count(request):
    total = 0
    for name in ('tcp', 'tcp6'):
        try:
            with open('/proc/self/net/' + name) as file:
                rows = file.read().split('\n')[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            is_state = len(fields) > 3 and int(fields[3], 16) == request['state']
            if is_state and (request['state'] == 10 or fields[2].split(':')[0] == request['remote']):
                total += 1
    return {'count': total}


def reset(_):
    for sock in list(sockets.values()):
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()
    sockets.clear()
    counts.clear()
    for name, value in changed.items():
        put(name, value)
    changed.clear()
    return {}


OTHERS = {'info': info, 'setting': setting, 'count': count, 'reset': reset}


def answer(request, reply):
    reply['id'] = request['id']
    with output:
        sys.stdout.write(json.dumps(reply) + '\n')
        sys.stdout.flush()


def main():
    for line in sys.stdin:
        request = json.loads(line)
        call = request.get('call')
        if call is None:
            answer(request, OTHERS[request['do']](request))
        elif call['name'] in MAY_BLOCK:
            # It may block, and others must be heard meanwhile.
            work = lambda request=request, call=call: answer(request, perform(call))
            threading.Thread(target=work, daemon=True).start()
        else:
            answer(request, perform(call))
    os._exit(0)


main()
