/* Holds up to 20,000 listeners and checks every message of each; run by benchmarks/load/crowd.py, a process a share.
 *
 * crowd HOST PORT ADDRESS COUNT IN_FLIGHT SIZE LATE [ROOM...]: listeners spread over the rooms, whose sources are
 * 127.ADDRESS.0.1 and up. No rooms: a server without a handshake. Commands come on stdin, a line each, one JSON object
 * answers each. Checked is what the client in Python checks, frame by frame: the text whole, its number the next.
 *
 * LATE: nobody reads until told to, and when a message came is what the kernel wrote down then (SO_TIMESTAMPNS,
 * socket(7)). So the client takes nothing of the cores while the server is measured. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORTS_PER_ADDRESS = 5000, MOST = 20000, MOST_FDS = 20000, MOST_ROOMS = 64, EVENTS = 1024 };
enum { FEW_EVENTS = 256, MANY_LISTENERS = 500, NAP_US = 1000 }; /* as in client.py: woken for each packet, it would use
                                                                   its whole core to look idle */
enum { REST = 1 << 16, BUFFER = 1 << 20 };        /* the longest frame; the longest read */
enum { TICK_NS = 100000, TICKS = 1200000 };       /* latencies in steps of 0.1 ms, up to two minutes */
enum { POSITIONS = 4096, POSITION_BYTES = 32 };   /* the last so many are known by the server's name for them */
enum { NUMBER_AT = 1, DUE_AT = 11, FILL_AT = 30 }; /* in a text, as payload.py makes it */

typedef struct {
    int fd; /* -1: not connected */
    uint32_t number;
    uint16_t rest_length;
    uint8_t room, open;
    char *rest;
} listener;

static listener listeners[MOST];
static listener *by_fd[MOST_FDS];
static char positions[MOST_ROOMS][POSITIONS][POSITION_BYTES];
static char buffer[REST + BUFFER], example[160], refused[80];
static uint32_t ticks[TICKS];
static char **rooms;
static const char *host;
static int port, address, count, in_flight, size, late, room_count, epoll, started, opening, opened, connected;
static int64_t mark_wall, mark_cpu, opened_ns, realtime_ahead, first_ns, last_ns;
static uint32_t target, reached;
static uint64_t deliveries, reads, gaps, missing, again, damaged, broken, disconnected;

static int64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t now(void) { return read_clock(CLOCK_MONOTONIC); }
static int64_t cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static void mark(void) { mark_wall = now(), mark_cpu = cpu(); }

static double share(void) { return (double)(cpu() - mark_cpu) / (double)(now() - mark_wall + 1); }

static void fault(uint64_t *kind, const char *words, int64_t about) {
    (*kind)++;
    if (!*example) snprintf(example, sizeof example, "%s (%lld)", words, (long long)about);
}

static void lose(listener *l, const char *why) {
    close(l->fd);
    by_fd[l->fd] = NULL;
    l->fd = -1;
    connected--;
    if (l->open) {
        opened--;
        fault(&disconnected, why, l->number);
    } else {
        opening--;
        if (!*refused) snprintf(refused, sizeof refused, "%s", why);
        refused[strcspn(refused, "\"\\\r\n")] = 0;
    }
}

/* --- what arrives ------------------------------------------------------------------------------------------------ */

static int64_t digits(const char *text, int length) {
    int64_t value = 0;
    for (int i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + text[i] - '0';
    }
    return value;
}

static void note_position(listener *l, uint32_t number, const char *frame, size_t length) {
    char *kept = positions[l->room][number % POSITIONS];
    static const char key[] = "\"position\":\"";
    if ((uint32_t)atoi(kept) == number) return; /* kept as "NUMBER POSITION" */
    const char *found = memmem(frame, length, key, sizeof key - 1), *end;
    if (!found) return;
    found += sizeof key - 1;
    end = memchr(found, '"', frame + length - found);
    if (end) snprintf(kept, POSITION_BYTES, "%u %.*s", number, (int)(end - found), found);
}

static void take(listener *l, const char *frame, size_t length, int64_t when) {
    const char *text = memchr(frame, '<', length);
    if (!text) { /* a welcome, a presence */
        if (memmem(frame, length, "\"type\":\"gap\"", 12)) gaps++;
        return;
    }
    int whole = frame + length - text >= size;
    int64_t number = whole ? digits(text + NUMBER_AT, 9) : -1, due = whole ? digits(text + DUE_AT, 19) : -1;
    for (int i = FILL_AT; whole && i < size - 1; i++) whole = text[i] == '.';
    if (!whole || number < 0 || due < 0 || text[size - 1] != '>') {
        fault(&damaged, "a damaged message came after this one", l->number);
        return;
    }
    if (number <= l->number) {
        fault(&again, "a message came again, or late", number);
        return;
    }
    if (number > l->number + 1) {
        missing += number - l->number - 1;
        if (!*example) snprintf(example, sizeof example, "%lld came after %u", (long long)number, l->number);
    }
    note_position(l, number, frame, length);
    int64_t tick = (when - due) / TICK_NS;
    ticks[tick < 0 ? 0 : tick < TICKS ? tick : TICKS - 1]++;
    deliveries++;
    if (l->number < target && number >= target) {
        reached++;
        if (!first_ns || when < first_ns) first_ns = when;
        if (when > last_ns) last_ns = when;
    }
    l->number = number;
}

/* Returns the bytes that were whole, or -1 when the connection is over. */
static long take_frames(listener *l, char *data, size_t length, int64_t when) {
    size_t at = 0;
    while (at + 2 <= length) {
        unsigned char first = data[at], second = data[at + 1];
        size_t start = at + 2, payload = second;
        if (second == 126) {
            if (start + 2 > length) break;
            payload = (unsigned char)data[start] << 8 | (unsigned char)data[start + 1], start += 2;
        }
        if ((first != 0x81 && first != 0x82 && first != 0x88 && first != 0x89) || second > 126) {
            fault(&broken, "what no server may send came after this one", l->number);
            lose(l, "broken");
            return -1;
        }
        if (start + payload > length) break;
        at = start + payload;
        if (first == 0x89) { /* a ping: the pong has its payload, and a mask of zeros */
            char pong[6 + 125] = {(char)0x8a, (char)(0x80 | payload)};
            memcpy(pong + 6, data + start, payload);
            send(l->fd, pong, 6 + payload, MSG_NOSIGNAL | MSG_DONTWAIT);
        } else if (first == 0x88) {
            lose(l, "the server said goodbye");
            return -1;
        } else {
            take(l, data + start, payload, when);
        }
    }
    return at;
}

static void take_head(listener *l, char **data, size_t *length) {
    char *end = memmem(*data, *length, "\r\n\r\n", 4);
    if (!end) return;
    *end = 0;
    if (strncmp(*data, "HTTP/1.1 101", 12) || !strstr(*data, ACCEPT)) {
        lose(l, *data);
        return;
    }
    *length -= end + 4 - *data;
    *data = end + 4;
    l->open = 1;
    opening--, opened++;
    opened_ns = now();
}

static ssize_t receive(listener *l, int64_t *when) {
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec into = {buffer + l->rest_length, BUFFER};
    struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = late ? sizeof control : 0};
    ssize_t length = recvmsg(l->fd, &message, MSG_DONTWAIT);
    *when = now();
    if (late && length > 0) {
        struct cmsghdr *found = CMSG_FIRSTHDR(&message);
        if (found && found->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(found), sizeof t);
            *when = t.tv_sec * 1000000000LL + t.tv_nsec - realtime_ahead;
        }
    }
    return length;
}

static void read_one(listener *l) {
    int64_t when;
    ssize_t length = receive(l, &when);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
        lose(l, length ? strerror(errno) : "closed by the server");
        return;
    }
    reads++;
    memcpy(buffer, l->rest, l->rest_length);
    char *data = buffer;
    size_t left = l->rest_length + length;
    if (!l->open) take_head(l, &data, &left);
    if (l->fd < 0) return;
    if (l->open) {
        long used = take_frames(l, data, left, when);
        if (used < 0) return;
        data += used, left -= used;
    }
    if (left >= REST) {
        fault(&broken, "a frame that is too long came after this one", l->number);
        lose(l, "broken");
        return;
    }
    if (left) l->rest = realloc(l->rest, left);
    memcpy(l->rest, data, left);
    l->rest_length = left;
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

static int ask(listener *l) {
    char request[1024], after[160] = "";
    const char *room = rooms[l->room], *kept = positions[l->room][l->number % POSITIONS];
    if (l->number && (uint32_t)atoi(kept) == l->number)
        snprintf(after, sizeof after, "&after=%s@%s", room, strchr(kept, ' ') + 1);
    int length = snprintf(request, sizeof request,
                          "GET /v1/ws?room=%s%s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          room, after, host, port, KEY);
    return send(l->fd, request, length, MSG_NOSIGNAL) == length;
}

static int start_one(listener *l, int index) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (fd < 0 || fd >= MOST_FDS) return 0;
    from.sin_addr.s_addr = htonl(0x7f000001u + (address << 16) + index / PORTS_PER_ADDRESS);
    inet_pton(AF_INET, host, &to.sin_addr);
    l->fd = fd, l->open = !room_count, l->rest_length = 0;
    by_fd[fd] = l;
    connected++;
    if (l->open) opened++, opened_ns = now();
    else opening++;
    if (late) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return !setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) &&
           !bind(fd, (struct sockaddr *)&from, sizeof from) && !connect(fd, (struct sockaddr *)&to, sizeof to) &&
           (!room_count || ask(l)) && !epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void connect_more(void) {
    for (; started < count && opening < in_flight; started++)
        if (listeners[started].fd < 0 && !start_one(&listeners[started], started)) snprintf(refused, sizeof refused, "connect: %s", strerror(errno));
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

static enum { NOTHING, OPEN, REACHED } waiting;
static int64_t wait_until;
static uint32_t wait_count;

static void answer_wait(int done) {
    printf("{\"done\": %d, \"open\": %d, \"reached\": %u, \"refused\": \"%s\", \"open_s\": %.6f, \"first_ns\": %lld, "
           "\"last_ns\": %lld, \"cpu_share\": %.4f}\n",
           done, opened, reached, refused, (opened_ns - mark_wall) / 1e9, (long long)first_ns, (long long)last_ns,
           share());
    waiting = NOTHING;
}

static void report(void) {
    const char *comma = "";
    for (int i = 0; i < count; i++)
        if (listeners[i].fd >= 0 && listeners[i].number < target) missing += target - listeners[i].number;
    printf("{\"listeners\": %d, \"deliveries\": %llu, \"reads\": %llu, \"gaps\": %llu, \"missing\": %llu, "
           "\"again\": %llu, \"damaged\": %llu, \"broken\": %llu, \"disconnected\": %llu, \"example\": \"%s\", "
           "\"cpu_share\": %.4f, \"cpu_s\": %.4f, \"ticks\": [",
           opened, (unsigned long long)deliveries, (unsigned long long)reads, (unsigned long long)gaps,
           (unsigned long long)missing, (unsigned long long)again, (unsigned long long)damaged,
           (unsigned long long)broken, (unsigned long long)disconnected, example, share(), (cpu() - mark_cpu) / 1e9);
    for (int i = 0; i < TICKS; i++)
        if (ticks[i]) printf("%s[%d, %u]", comma, i, ticks[i]), comma = ", ";
    printf("]}\n");
}

static void begin(void) {
    memset(ticks, 0, sizeof ticks);
    deliveries = reads = gaps = missing = again = damaged = broken = disconnected = 0;
    *example = 0;
    mark();
}

static void cut(void) {
    struct linger reset = {1, 0};
    for (int i = 0; i < count; i++)
        if (listeners[i].fd >= 0) {
            setsockopt(listeners[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close(listeners[i].fd);
            by_fd[listeners[i].fd] = NULL;
            listeners[i].fd = -1;
        }
    connected = opened = opening = 0;
}

/* Returns 0 when there is nobody left who says anything. */
static int obey(char *line) {
    double seconds;
    if (sscanf(line, "wait_open %lf", &seconds) == 1) waiting = OPEN, wait_until = now() + (int64_t)(seconds * 1e9);
    else if (sscanf(line, "wait_reached %u %lf", &wait_count, &seconds) == 2)
        waiting = REACHED, wait_until = now() + (int64_t)(seconds * 1e9);
    else if (!strncmp(line, "report", 6)) report();
    else {
        if (!strncmp(line, "begin", 5)) begin();
        else if (!strncmp(line, "connect", 7)) started = 0, mark(), connect_more();
        else if (!strncmp(line, "cut", 3)) cut();
        else if (!strncmp(line, "read", 4)) {
            realtime_ahead = read_clock(CLOCK_REALTIME) - now();
            for (int i = 0; i < count; i++)
                if (listeners[i].fd >= 0) read_one(&listeners[i]);
        } else if (sscanf(line, "expect %u", &target) == 1) reached = 0, first_ns = last_ns = 0;
        else return 0;
        printf("{\"now_ns\": %lld, \"reached\": %u, \"first_ns\": %lld, \"last_ns\": %lld, \"cpu_share\": %.4f}\n",
               (long long)now(), reached, (long long)first_ns, (long long)last_ns, share());
    }
    fflush(stdout);
    return 1;
}

static int read_commands(void) {
    static char lines[4096];
    static size_t held;
    ssize_t length = read(0, lines + held, sizeof lines - 1 - held);
    if (length <= 0) return 0;
    lines[held += length] = 0;
    for (char *end; (end = strchr(lines, '\n')); memmove(lines, end + 1, held -= end + 1 - lines), lines[held] = 0) {
        *end = 0;
        if (!obey(lines)) return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 8) return 2;
    host = argv[1], port = atoi(argv[2]), address = atoi(argv[3]), count = atoi(argv[4]), in_flight = atoi(argv[5]);
    size = atoi(argv[6]), late = atoi(argv[7]), rooms = argv + 8, room_count = argc - 8;
    if (count > MOST || room_count > MOST_ROOMS) return 2;
    started = count; /* nobody connects yet */
    for (int i = 0; i < count; i++) listeners[i].fd = -1, listeners[i].room = room_count ? i % room_count : 0;
    epoll = epoll_create1(0);
    struct epoll_event commands = {.events = EPOLLIN, .data.fd = 0};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &commands);
    mark();
    for (;;) {
        struct epoll_event events[EVENTS];
        int64_t left = waiting ? (wait_until - now()) / 1000000 + 1 : -1;
        int deaf = late && !waiting, ready = deaf ? 0 : epoll_wait(epoll, events, EVENTS, left < -1 ? 0 : (int)left);
        if (deaf && !read_commands()) return 0;
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == 0 && !read_commands()) return 0;
            if (fd && by_fd[fd]) read_one(by_fd[fd]);
        }
        connect_more();
        if (!deaf && ready < FEW_EVENTS && connected >= MANY_LISTENERS) usleep(NAP_US);
        int done = waiting == OPEN ? started == count && !opening : waiting == REACHED && reached >= wait_count;
        if (waiting && (done || now() >= wait_until)) {
            answer_wait(done);
            fflush(stdout);
        }
    }
}
