// lwIP in one thread, by its raw API, on a TUN device that is there already: the services of the speed bench.
// usage: lwip DEVICE ADDRESS MTU OFFLOAD PORT
//   OFFLOAD 1: packets have virtio-net headers, and the device delivers many segments in one piece and says which checksums
//   need not be verified. lwIP has no notion of either when it sends.
//   Its services listen on PORT and the ports after it.
// usage: lwip               tells which lwIP it was compiled for
#include "services.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sys/uio.h>

// The kernel's is another.
#undef TCP_MSS
#include <lwip/inet_chksum.h>
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

/** The longest that a pbuf in one piece can be. */
#define PACKET_MOST 65528
/** Packets between two looks at the timers and at standard input. */
#define BATCH 256
#define PIECES 8

static int tun, offload, first_port;
static u16_t packet_bytes;
/** The packet whose checksum the device vouches for. */
static struct pbuf *vouched;

/**
 * Stands in the place of lwIP's own, as far as packets go that need not be verified: what a build of lwIP with
 * LWIP_CHECKSUM_CTRL_PER_NETIF can be told of its device, and the one that is installed cannot.
 */
u16_t ip_chksum_pseudo(struct pbuf *p, u8_t protocol, u16_t length, const ip_addr_t *source, const ip_addr_t *destination) {
  if (p == vouched) {
    vouched = NULL;
    return 0;
  }
  return inet_chksum_pseudo(p, protocol, length, ip_2_ip4(source), ip_2_ip4(destination));
}

// ---- services

static enum service service_of(const struct tcp_pcb *pcb) { return pcb->local_port - first_port; }

/** Whole segments only: the rest waits for the next acknowledgment. */
static void fill(struct tcp_pcb *pcb) {
  u16_t whole = tcp_sndbuf(pcb) / tcp_mss(pcb) * tcp_mss(pcb);
  if (whole > 0 && tcp_write(pcb, chunk, whole, TCP_WRITE_FLAG_COPY) == ERR_OK) bytes_out += whole;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t length) {
  (void)arg, (void)length;
  fill(pcb);
  return ERR_OK;
}

/** The answers are smaller than a send buffer. */
static err_t answer(struct tcp_pcb *pcb, const void *bytes, u16_t length) {
  err_t error = tcp_write(pcb, bytes, length, TCP_WRITE_FLAG_COPY);
  if (error == ERR_OK) bytes_out += length;
  return error;
}

static err_t serve(struct tcp_pcb *pcb, struct pbuf *p) {
  enum service service = service_of(pcb);
  if (service == ECHO) {
    err_t error = ERR_OK;
    for (struct pbuf *q = p; q != NULL && error == ERR_OK; q = q->next) error = answer(pcb, q->payload, q->len);
    return error;
  }
  char end[4];
  int is_http = service == HTTP_SMALL || service == HTTP_LARGE;
  if (!is_http || p->tot_len < 4 || pbuf_copy_partial(p, end, 4, p->tot_len - 4) != 4) return ERR_OK;
  if (memcmp(end, "\r\n\r\n", 4) != 0) return ERR_OK;
  return service == HTTP_SMALL ? answer(pcb, small, small_length) : answer(pcb, large, large_length);
}

static err_t leave(struct tcp_pcb *pcb) {
  if (tcp_close(pcb) == ERR_OK) return ERR_OK;
  tcp_abort(pcb);
  return ERR_ABRT;
}

static err_t receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
  (void)arg, (void)error;
  if (p == NULL) return leave(pcb);
  bytes_in += p->tot_len;
  tcp_recved(pcb, p->tot_len);
  error = serve(pcb, p);
  pbuf_free(p);
  if (error == ERR_OK) return ERR_OK;
  tcp_abort(pcb);
  return ERR_ABRT;
}

static err_t accept_one(void *arg, struct tcp_pcb *pcb, err_t error) {
  (void)arg;
  if (error != ERR_OK) return ERR_OK;
  tcp_nagle_disable(pcb);
  tcp_recv(pcb, receive);
  if (service_of(pcb) == IDLE) accepted++;
  if (service_of(pcb) != SOURCE) return ERR_OK;
  tcp_sent(pcb, sent);
  fill(pcb);
  return ERR_OK;
}

static void open_service(const ip_addr_t *address, int port) {
  struct tcp_pcb *pcb = tcp_new();
  if (pcb == NULL || tcp_bind(pcb, address, port) != ERR_OK || (pcb = tcp_listen(pcb)) == NULL) {
    fprintf(stderr, "lwIP does not listen on port %d\n", port);
    exit(1);
  }
  tcp_accept(pcb, accept_one);
}

// ---- device

static void open_device(const char *name) {
  tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tun < 0) die("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0)};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(tun, TUNSETIFF, &request) != 0) die("TUNSETIFF");
  unsigned long features = offload ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;
  if (ioctl(tun, TUNSETOFFLOAD, features) != 0) die("TUNSETOFFLOAD");
}

static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *next_hop) {
  (void)netif, (void)next_hop;
  static struct virtio_net_hdr nothing_to_do;
  struct iovec pieces[PIECES];
  int count = 0;
  if (offload) pieces[count++] = (struct iovec){&nothing_to_do, sizeof nothing_to_do};
  for (; p != NULL && count < PIECES; p = p->next) pieces[count++] = (struct iovec){p->payload, p->len};
  return p == NULL && writev(tun, pieces, count) >= 0 ? ERR_OK : ERR_IF;
}

static err_t set_up(struct netif *netif) {
  netif->name[0] = 't';
  netif->name[1] = 'u';
  netif->output = output;
  return ERR_OK;
}

/** Takes one packet from the device. @returns 0 when there is none */
static int take_packet(struct netif *netif) {
  static struct pbuf *spare;
  if (spare == NULL) spare = pbuf_alloc(PBUF_RAW, packet_bytes, PBUF_RAM);
  if (spare == NULL) die("pbuf_alloc");
  struct pbuf *p = spare;
  struct virtio_net_hdr header = {0};
  struct iovec pieces[] = {{&header, sizeof header}, {p->payload, p->len}};
  int first = offload ? 0 : 1;
  ssize_t got = readv(tun, pieces + first, 2 - first);
  if (got < 0 && would_wait()) return 0;
  if (got < 0) die("read");
  spare = NULL;
  pbuf_realloc(p, got - (offload ? (ssize_t)sizeof header : 0));
  vouched = (header.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) != 0 ? p : NULL;
  if (netif->input(p, netif) != ERR_OK) pbuf_free(p);
  vouched = NULL;
  return 1;
}

static void run(struct netif *netif) {
  int epoll = epoll_create1(0);
  watch(epoll, EPOLL_CTL_ADD, tun, EPOLLIN, netif);
  watch(epoll, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, NULL);
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, (int)sys_timeouts_sleeptime());
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) report();
      else for (int n = 0; n < BATCH && take_packet(netif); n++) continue;
    }
    sys_check_timeouts();
  }
}

int main(int argc, char **argv) {
  if (argc == 1) {
    printf("lwIP %s, MSS %d, window and send buffer %d bytes\n", LWIP_VERSION_STRING, TCP_MSS, TCP_WND);
    return 0;
  }
  ip_addr_t own, mask = IPADDR4_INIT_BYTES(255, 255, 255, 0);
  if (argc != 6 || !ipaddr_aton(argv[2], &own)) {
    fprintf(stderr, "usage: lwip DEVICE ADDRESS MTU OFFLOAD PORT\n");
    return 2;
  }
  int mtu = atoi(argv[3]);
  offload = atoi(argv[4]);
  first_port = atoi(argv[5]);
  packet_bytes = offload || mtu > PACKET_MOST ? PACKET_MOST : mtu;
  prepare_responses();
  open_device(argv[1]);
  // Without tcpip_init() there is no thread of lwIP's own: everything happens in this one.
  lwip_init();
  static struct netif netif;
  if (netif_add(&netif, ip_2_ip4(&own), ip_2_ip4(&mask), NULL, NULL, set_up, ip4_input) == NULL) die("netif_add");
  netif.mtu = mtu;
  netif_set_default(&netif);
  netif_set_link_up(&netif);
  netif_set_up(&netif);
  for (int i = 0; i < SERVICES; i++) open_service(&own, first_port + i);
  run(&netif);
}
