// The kernel's TCP at its best: the services of the speed bench in one thread with epoll.
// usage: server HOST PORT      its services listen on PORT and the ports after it
#include "services.h"

struct peer {
  int fd;
  enum service service;
  int listens;
};

static int epoll;

static void leave(struct peer *peer) {
  close(peer->fd);
  free(peer);
}

static void join(int fd, enum service service, int listens) {
  struct peer *peer = malloc(sizeof *peer);
  if (peer == NULL) die("malloc");
  *peer = (struct peer){fd, service, listens};
  unsigned events = service == SOURCE && !listens ? EPOLLIN | EPOLLOUT : EPOLLIN;
  watch(epoll, EPOLL_CTL_ADD, fd, events, peer);
}

static void open_service(const char *host, int port, enum service service) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  struct sockaddr_in address = address_of(host, port);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(fd, 4096) != 0) die("listen");
  join(fd, service, 1);
}

static void accept_all(struct peer *listener) {
  for (;;) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (listener->service == IDLE) accepted++;
    join(fd, listener->service, 0);
  }
}

/** Sends an answer, waiting if it has to: the answers are smaller than a send buffer. */
static int answer(struct peer *peer, const char *bytes, int length) {
  while (length > 0) {
    ssize_t sent = send(peer->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && !would_wait()) return 0;
    if (sent < 0) continue;
    bytes_out += sent;
    bytes += sent;
    length -= sent;
  }
  return 1;
}

static int serve(struct peer *peer, ssize_t got) {
  int whole = got >= 4 && memcmp(chunk + got - 4, "\r\n\r\n", 4) == 0;
  if (peer->service == ECHO) return answer(peer, chunk, got);
  if (peer->service == HTTP_SMALL && whole) return answer(peer, small, small_length);
  if (peer->service == HTTP_LARGE && whole) return answer(peer, large, large_length);
  return 1;
}

static void receive(struct peer *peer) {
  ssize_t got = recv(peer->fd, chunk, sizeof chunk, 0);
  if (got < 0 && would_wait()) return;
  if (got > 0) bytes_in += got;
  if (got <= 0 || !serve(peer, got)) leave(peer);
}

static void fill(struct peer *peer) {
  ssize_t sent = send(peer->fd, chunk, sizeof chunk, MSG_NOSIGNAL);
  if (sent > 0) bytes_out += sent;
  else if (!would_wait()) leave(peer);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: server HOST PORT\n");
    return 2;
  }
  prepare_responses();
  epoll = epoll_create1(0);
  for (int i = 0; i < SERVICES; i++) open_service(argv[1], atoi(argv[2]) + i, i);
  watch(epoll, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, NULL);
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct peer *peer = events[i].data.ptr;
      if (peer == NULL) report();
      else if (peer->listens) accept_all(peer);
      else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(peer);
      else fill(peer);
    }
  }
}
