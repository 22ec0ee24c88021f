/* Connects as many listeners as asked, as fast as the server lets it, with a given number of handshakes under way.
 *
 * storm PORT COUNT IN_FLIGHT: the request's bytes come on stdin, in one piece; an answer is right when it begins with
 * "HTTP/1.1 101" and has ACCEPT in it. Prints one JSON object (opened, seconds, cpu_share, and the first wrong answer)
 * on one line; the sockets stay open until stdin ends.
 * C, because Python needs as long for a handshake as the servers do. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { PORTS_PER_ADDRESS = 5000, HEAD_BYTES = 4096, EVENTS = 256, PATIENCE_MS = 10000, MOST_FDS = 65536 };

static const char accept_key[] = ACCEPT;
static char request[HEAD_BYTES], answer[HEAD_BYTES + 1];
static char opened_fd[MOST_FDS];
static ssize_t request_length;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int start_one(int epoll, int port, int index) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    from.sin_addr.s_addr = htonl(0x7f000101u + index / PORTS_PER_ADDRESS);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && fd < MOST_FDS && !setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) &&
           !bind(fd, (struct sockaddr *)&from, sizeof from) && !connect(fd, (struct sockaddr *)&to, sizeof to) &&
           send(fd, request, request_length, MSG_NOSIGNAL) == request_length &&
           !epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]), in_flight = atoi(argv[3]);
    int started = 0, opened = 0, under_way = 0, epoll = epoll_create1(0);
    char wrong[80] = "";
    request_length = read(0, request, sizeof request);
    double begin = now(), last = begin, begin_cpu = cpu();
    while (opened < count && !*wrong) {
        for (; started < count && under_way < in_flight && !*wrong; started++, under_way++)
            if (!start_one(epoll, port, started)) snprintf(wrong, sizeof wrong, "connect: %s", strerror(errno));
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, PATIENCE_MS);
        if (ready == 0) snprintf(wrong, sizeof wrong, "nothing came for %d s", PATIENCE_MS / 1000);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            ssize_t length = recv(fd, answer, HEAD_BYTES, MSG_DONTWAIT);
            if (opened_fd[fd] && length > 0) continue; /* a welcome, after the handshake */
            answer[length > 0 ? length : 0] = 0;
            if (length <= 0 || strncmp(answer, "HTTP/1.1 101", 12) || !strstr(answer, accept_key)) {
                snprintf(wrong, sizeof wrong, "%.40s", length > 0 ? answer : "closed by the server");
                *(strpbrk(wrong, "\r\n\"\\") ? strpbrk(wrong, "\r\n\"\\") : wrong + 79) = 0;
                break;
            }
            opened_fd[fd] = 1;
            opened++, under_way--;
        }
        last = now();
    }
    double seconds = last - begin;
    printf("{\"opened\": %d, \"seconds\": %.6f, \"cpu_share\": %.4f, \"wrong\": \"%s\"}\n", opened, seconds,
           (cpu() - begin_cpu) / seconds, wrong);
    fflush(stdout);
    return read(0, answer, 1) != 0; /* the server's CPU is read before it has 10,000 lines to close */
}
