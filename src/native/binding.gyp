{
  'targets': [
    {
      'target_name': 'synwave_tun',
      'sources': [
        'tun.c', 'tun_device.c', 'packet_port.c', 'packet_io.c', 'packet_socket.c', 'receive_thread.c', 'write_thread.c', 'socket_io.c',
        'join.c', 'cutting.c', 'segmentation.c', 'long_packet.c', 'checksum.c', 'alarm.c', 'memory.c',
      ],
      'defines': ['NAPI_VERSION=8', '_GNU_SOURCE'],
      'cflags': ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-fvisibility=hidden'],
      'conditions': [["OS!='linux'", {'type': 'none'}]],
    },
  ],
}
