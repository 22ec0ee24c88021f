/* The floor in C: no protocol at all, a bare loop of send() of one prepared buffer over every socket.
 *
 * Listeners connect to the first port and are sent to at once; the publisher connects to the second and hands over a
 * buffer: four bytes of length, then the bytes. One byte goes back when the loop is done. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 20000, LONGEST = 1 << 20 };

static int sockets[MOST];
static char buffer[LONGEST];

static int serve(int backlog, int *port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) || listen(fd, backlog) ||
        getsockname(fd, (struct sockaddr *)&at, &size)) {
        perror("floor");
        exit(1);
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(void) {
    int port, publishers_port, count = 0, on = 1, epoll = epoll_create1(0);
    int door = serve(4096, &port), publishers = serve(8, &publishers_port);
    watch(epoll, door);
    watch(epoll, publishers);
    printf("listening on 127.0.0.1:%d publisher on %d\n", port, publishers_port);
    fflush(stdout);
    for (;;) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) < 1) continue;
        int fd = event.data.fd;
        if (fd == door) {
            int connection = accept4(door, NULL, NULL, SOCK_NONBLOCK);
            if (connection < 0) continue;
            setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            sockets[count++] = connection;
        } else if (fd == publishers) {
            watch(epoll, accept(publishers, NULL, NULL));
        } else {
            uint32_t length;
            if (recv(fd, &length, 4, MSG_WAITALL) != 4) return 0;
            length = ntohl(length);
            if (length > LONGEST || recv(fd, buffer, length, MSG_WAITALL) != (ssize_t)length) return 1;
            for (int i = 0; i < count; i++) send(sockets[i], buffer, length, MSG_NOSIGNAL);
            send(fd, "k", 1, 0);
        }
    }
}
