/* The limit: what one core can do with one send() per WebSocket frame and as little else as possible.
 *
 *     limit --port P [--coalesce]
 *
 * It speaks the benchmarks' part of SignalR (Echo, Join, Publish, Stream) without parsing JSON: it looks for the few
 * words that the load generator writes. With --coalesce, what is published in one turn of the loop leaves as one
 * message per connection. Answers to calls of one read always leave in one write. A reader that takes nothing is lost.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILES 65536
#define MAX_GROUPS 4096
#define MAX_MEMBERS 16384
#define ALL (MAX_GROUPS - 1)
#define EVENT "{\"type\":1,\"target\":\"Event\",\"arguments\":[\""

static struct { char *in; size_t len, cap; bool is_open, has_shaken; } conns[MAX_FILES];
static struct { int *members; int count; char *waiting; size_t len; } groups[MAX_GROUPS];
static bool coalesces;
static int epoll_fd;
static char answers[1 << 20]; /* records for the connection that is being read */
static size_t answers_len;

static struct { int streams, characters; double per_second, end; uint64_t begin, sent; } plan; /* streams 0: none */

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t frame_head(char *head, size_t length) {
    head[0] = (char)0x81;
    if (length < 126) {
        head[1] = (char)length;
        return 2;
    }
    if (length < 65536) {
        head[1] = 126;
        head[2] = (char)(length >> 8);
        head[3] = (char)length;
        return 4;
    }
    head[1] = 127;
    for (int i = 0; i < 8; i++) head[2 + i] = (char)(length >> (8 * (7 - i)));
    return 10;
}

static void drop(int fd) {
    for (int i = 0; i < MAX_GROUPS; i++)
        for (int j = 0; j < groups[i].count; j++)
            if (groups[i].members[j] == fd) groups[i].members[j--] = groups[i].members[--groups[i].count];
    conns[fd].is_open = false;
    conns[fd].len = 0;
    close(fd);
}

static void write_frame(int fd, const char *frame, size_t length) {
    size_t sent = 0;
    while (sent < length) {
        ssize_t n = send(fd, frame + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0 && sent == 0) {
            drop(fd);
            return;
        }
        if (n > 0) sent += (size_t)n;
    }
}

static void send_to_group(int group, const char *records, size_t length) {
    static char frame[(1 << 20) + 16];
    char head[10];
    size_t start = frame_head(head, length);
    memcpy(frame, head, start);
    memcpy(frame + start, records, length);
    for (int i = groups[group].count - 1; i >= 0; i--) write_frame(groups[group].members[i], frame, start + length);
}

static void publish(int group, const char *text, size_t length) {
    static char record[8192];
    size_t size = sizeof EVENT - 1;
    if (length > sizeof record - 64) return;
    memcpy(record, EVENT, size);
    memcpy(record + size, text, length);
    memcpy(record + size + length, "\"]}\x1e", 4);
    size += length + 4;
    if (!coalesces) {
        send_to_group(group, record, size);
        return;
    }
    if (groups[group].waiting == NULL) groups[group].waiting = malloc(1 << 20);
    if (groups[group].len + size > 1 << 20) return;
    memcpy(groups[group].waiting + groups[group].len, record, size);
    groups[group].len += size;
}

static void send_waiting(void) {
    for (int i = 0; i < MAX_GROUPS; i++) {
        if (groups[i].len == 0) continue;
        send_to_group(i, groups[i].waiting, groups[i].len);
        groups[i].len = 0;
    }
}

static int group_of(const char *name) { return name[0] == 's' ? atoi(name + 1) % ALL : ALL; }

static const char *argument(const char *record, size_t length) {
    const char *found = memmem(record, length, "\"arguments\":[", 13);
    return found == NULL ? NULL : found + 13;
}

static void answer(const char *record, size_t length, const char *result, size_t size) {
    const char *id = memmem(record, length, "\"invocationId\":\"", 16);
    char *out = answers + answers_len;
    if (id == NULL || answers_len + size + 128 > sizeof answers) return;
    id += 16;
    size_t digits = (size_t)((const char *)memchr(id, '"', 16) - id);
    int head = sprintf(out, "{\"type\":3,\"invocationId\":\"%.*s\",\"result\":", (int)digits, id);
    memcpy(out + head, result, size);
    memcpy(out + head + size, "}\x1e", 2);
    answers_len += (size_t)head + size + 2;
}

static void on_record(int fd, const char *record, size_t length) {
    const char *arguments = argument(record, length), *target = memmem(record, length, "\"target\":\"", 10);
    if (!conns[fd].has_shaken) {
        conns[fd].has_shaken = true;
        memcpy(answers + answers_len, "{}\x1e", 3);
        answers_len += 3;
        return;
    }
    if (target == NULL || arguments == NULL) return;
    const char *end = record + length - 2; /* before ]} */
    switch (target[10]) {
    case 'E':
        answer(record, length, arguments, (size_t)(end - arguments));
        break;
    case 'J': {
        int group = group_of(arguments + 1);
        if (groups[group].members == NULL) groups[group].members = malloc(MAX_MEMBERS * sizeof(int));
        if (groups[group].count < MAX_MEMBERS) groups[group].members[groups[group].count++] = fd;
        answer(record, length, "null", 4);
        break;
    }
    case 'P': {
        const char *payload = memmem(arguments, (size_t)(end - arguments), "\",\"", 3) ;
        if (payload != NULL) publish(group_of(arguments + 1), payload + 3, (size_t)(end - 1 - payload - 3));
        break;
    }
    case 'S': {
        double run_s = 0;
        sscanf(arguments, "%d,%lf,%lf,%d", &plan.streams, &plan.per_second, &run_s, &plan.characters);
        plan.begin = now_ns();
        plan.end = (double)plan.begin / 1e9 + run_s;
        plan.sent = 0;
        answer(record, length, "null", 4);
        break;
    }
    }
}

/* Text i of all: stream i % streams. Due times are spread evenly over the period. Returns how long until the next. */
static int run_sources(void) {
    static char text[8192];
    if (plan.streams == 0) return -1;
    for (int burst = 0; burst < plan.streams; burst++) {
        uint64_t now = now_ns();
        if ((double)now / 1e9 >= plan.end) {
            plan.streams = 0;
            return -1;
        }
        if (plan.per_second > 0) {
            uint64_t due = plan.begin + (uint64_t)((double)plan.sent * 1e9 / (plan.per_second * plan.streams));
            if (due > now) return (int)((due - now) / 1000000); /* below a millisecond it spins, as it may */
        }
        int used = sprintf(text, "%016" PRIu64, now);
        memset(text + used, 'x', (size_t)(plan.characters - used));
        publish((int)(plan.sent++ % (uint64_t)plan.streams), text, (size_t)plan.characters);
    }
    return 0;
}

static void on_message(int fd, char *text, size_t length) {
    while (length > 0) {
        char *end = memchr(text, 0x1e, length);
        if (end == NULL) return;
        on_record(fd, text, (size_t)(end - text));
        length -= (size_t)(end + 1 - text);
        text = end + 1;
    }
}

static size_t take_frames(int fd, char *bytes, size_t length) {
    size_t at = 0;
    while (length - at >= 6) {
        unsigned char *frame = (unsigned char *)bytes + at;
        size_t size = frame[1] & 0x7f, head = 6;
        if (size == 126) {
            if (length - at < 8) break;
            size = (size_t)frame[2] << 8 | frame[3];
            head = 8;
        } else if (size == 127) {
            if (length - at < 14) break;
            size = 0;
            for (int i = 0; i < 8; i++) size = size << 8 | frame[2 + i];
            head = 14;
        }
        if (length - at < head + size) break;
        char *mask = bytes + at + head - 4, *payload = bytes + at + head;
        for (size_t i = 0; i < size; i++) payload[i] ^= mask[i & 3];
        if ((frame[0] & 0x0f) == 1) on_message(fd, payload, size);
        at += head + size;
    }
    return at;
}

static void send_answers(int fd) {
    static char frame[sizeof answers + 16];
    if (answers_len == 0) return;
    size_t start = frame_head(frame, answers_len);
    memcpy(frame + start, answers, answers_len);
    write_frame(fd, frame, start + answers_len);
    answers_len = 0;
}

static void read_some(int fd) {
    static char buffer[1 << 18];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    char *bytes = buffer;
    size_t length = (size_t)n;
    if (conns[fd].len > 0) {
        if (conns[fd].len + length > conns[fd].cap) {
            conns[fd].cap = (conns[fd].len + length) * 2;
            conns[fd].in = realloc(conns[fd].in, conns[fd].cap);
        }
        memcpy(conns[fd].in + conns[fd].len, buffer, length);
        bytes = conns[fd].in;
        length += conns[fd].len;
    }
    size_t used = 0;
    if (!conns[fd].is_open) {
        static const char accepted[] =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* of the load generator's key */
        char *end = memmem(bytes, length, "\r\n\r\n", 4);
        if (end != NULL) {
            used = (size_t)(end + 4 - bytes);
            conns[fd].is_open = true;
            write_frame(fd, accepted, sizeof accepted - 1);
        }
    }
    if (conns[fd].is_open) used += take_frames(fd, bytes + used, length - used);
    if (conns[fd].is_open) send_answers(fd);
    size_t left = length - used;
    if (left > conns[fd].cap) {
        conns[fd].cap = left * 2;
        conns[fd].in = realloc(conns[fd].in, conns[fd].cap);
        bytes = conns[fd].len > 0 ? conns[fd].in : bytes;
    }
    if (left > 0) memmove(conns[fd].in, bytes + used, left);
    conns[fd].len = left;
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static void accept_all(int listening) {
    int one = 1, fd;
    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MAX_FILES) {
            close(fd);
            continue;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        conns[fd].len = 0;
        conns[fd].is_open = conns[fd].has_shaken = false;
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static void end(int number) {
    (void)number;
    _exit(0);
}

int main(int argc, char **argv) {
    int port = 0;
    struct rlimit files;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) port = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--coalesce") == 0) coalesces = true;
    }
    signal(SIGTERM, end);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listening = listen_on(port);
    epoll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, events[512];
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listening, &event);
    printf("ready %d\n", port);
    fflush(stdout);
    for (int timeout = -1;;) {
        int count = epoll_wait(epoll_fd, events, 512, timeout);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listening)
                accept_all(listening);
            else
                read_some(events[i].data.fd);
        }
        timeout = run_sources();
        if (coalesces) send_waiting();
    }
}
