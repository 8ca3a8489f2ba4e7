#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)
#define EVENT_PREFIX "{\"type\":1,\"target\":\"Event\",\"arguments\":[\""
#define RS '\x1e'

struct conn *conns;
int conn_count;
struct hooks hooks;

static enum dialect dialect;
static int port_, epoll_fd = -1, opening, opened, next_to_open, parallel_;
static char read_buffer[READ_BYTES];
/* What `call` has queued and `flush` sends: one for all, since a workload queues for one connection at a time. */
static char queue[1 << 20];
static size_t queue_len;
static struct conn *queued_for;

double now_s(void) { return (double)now_ns() / 1e9; }

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double cpu_of(int pid) {
    struct timespec t;
    clockid_t clock = pid == 0 ? CLOCK_PROCESS_CPUTIME_ID : (clockid_t)((~(unsigned)pid << 3) | 2);
    if (clock_gettime(clock, &t) != 0) fail("There is no process %d to measure.", pid);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

long rss_kb(int pid) {
    char path[64], line[256];
    long found = -1;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail("There is no process %d to measure.", pid);
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "VmRSS: %ld", &found) != 1) {}
    fclose(file);
    return found;
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static void reserve(char **buffer, size_t *capacity, size_t wanted) {
    if (wanted <= *capacity) return;
    *capacity = wanted * 2;
    *buffer = realloc(*buffer, *capacity);
    if (*buffer == NULL) fail("Out of memory.");
}

static void watch(struct conn *conn, int operation) {
    uint32_t reading = conn->is_deaf ? EPOLLRDHUP : EPOLLIN;
    uint32_t writing = conn->is_writing || conn->state == CONNECTING ? EPOLLOUT : 0;
    struct epoll_event event = {.events = reading | writing, .data.ptr = conn};
    if (epoll_ctl(epoll_fd, operation, conn->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

/* ------------------------------------------------------------------------------------------------ writing */

static void lose(struct conn *conn) {
    if (hooks.on_lost == NULL) fail("The server closed connection %d.", conn->index);
    close(conn->fd);
    conn->state = LOST;
    hooks.on_lost(conn);
}

static void send_bytes(struct conn *conn, const char *bytes, size_t length) {
    size_t sent = 0;
    while (conn->out_len == 0 && sent < length) {
        ssize_t n = send(conn->fd, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {
            lose(conn);
            return;
        }
        sent += (size_t)n;
    }
    if (sent == length) return;
    reserve(&conn->out, &conn->out_cap, conn->out_len + length - sent);
    memcpy(conn->out + conn->out_len, bytes + sent, length - sent);
    conn->out_len += length - sent;
    if (!conn->is_writing) {
        conn->is_writing = true;
        watch(conn, EPOLL_CTL_MOD);
    }
}

static void write_waiting(struct conn *conn) {
    ssize_t n = send(conn->fd, conn->out, conn->out_len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        lose(conn);
        return;
    }
    if (n > 0) {
        conn->out_len -= (size_t)n;
        memmove(conn->out, conn->out + n, conn->out_len);
    }
    if (conn->out_len == 0) {
        conn->is_writing = false;
        watch(conn, EPOLL_CTL_MOD);
    }
}

static void send_frame(struct conn *conn, int opcode, const char *payload, size_t length) {
    static char frame[sizeof queue + 16];
    size_t head = 2;
    frame[0] = (char)(0x80 | opcode);
    if (length < 126) {
        frame[1] = (char)(0x80 | length);
    } else if (length < 65536) {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(length >> 8);
        frame[3] = (char)length;
        head = 4;
    } else {
        frame[1] = (char)(0x80 | 127);
        for (int i = 0; i < 8; i++) frame[2 + i] = (char)(length >> (8 * (7 - i)));
        head = 10;
    }
    memset(frame + head, 0, 4); /* a mask of zeros is a mask, and leaves the payload as it is */
    memcpy(frame + head + 4, payload, length);
    send_bytes(conn, frame, head + 4 + length);
}

void flush(struct conn *conn) {
    if (queue_len > 0 && queued_for == conn) send_frame(conn, 1, queue, queue_len);
    queue_len = 0;
}

static void append(struct conn *conn, const char *text, size_t length) {
    if (queue_len + length > sizeof queue) fail("A call is too long.");
    queued_for = conn;
    memcpy(queue + queue_len, text, length);
    queue_len += length;
}

static void append_arguments(struct conn *conn, const char *const *arguments, int count, bool continues) {
    for (int i = 0; i < count; i++) {
        append(conn, i == 0 && !continues ? "\"" : ",\"", i == 0 && !continues ? 1 : 2);
        append(conn, arguments[i], strlen(arguments[i]));
        append(conn, "\"", 1);
    }
}

static void write_call(struct conn *conn, const char *target, const char *id, const char *const *arguments, int count) {
    char head[128];
    if (dialect == SIGNALR) {
        const char *naming = *id == '\0' ? "{\"type\":1,%s\"target\":\"%s\",\"arguments\":["
                                         : "{\"type\":1,\"invocationId\":\"%s\",\"target\":\"%s\",\"arguments\":[";
        append(conn, head, (size_t)snprintf(head, sizeof head, naming, id, target));
        append_arguments(conn, arguments, count, false);
        append(conn, "]}\x1e", 3);
    } else {
        append(conn, head, (size_t)snprintf(head, sizeof head, "42%s[\"%s\"", id, target));
        append_arguments(conn, arguments, count, true);
        append(conn, "]", 1);
        flush(conn);
    }
}

void call(struct conn *conn, const char *target, unsigned id, const char *const *arguments, int count) {
    char text[16];
    snprintf(text, sizeof text, "%u", id);
    write_call(conn, target, text, arguments, count);
}

void notify(struct conn *conn, const char *target, const char *const *arguments, int count) {
    write_call(conn, target, "", arguments, count);
}

void invoke_stream(struct conn *conn, unsigned id, int streams, int per_second, double seconds, int characters) {
    char text[256];
    const char *form = dialect == SIGNALR
        ? "{\"type\":1,\"invocationId\":\"%u\",\"target\":\"Stream\",\"arguments\":[%d,%d,%g,%d]}\x1e"
        : "42%u[\"Stream\",%d,%d,%g,%d]";
    append(conn, text, (size_t)snprintf(text, sizeof text, form, id, streams, per_second, seconds, characters));
    flush(conn);
}

/* ------------------------------------------------------------------------------------------------ reading */

static void become_ready(struct conn *conn) {
    conn->state = READY;
    opening--;
    opened++;
    if (hooks.on_ready != NULL) hooks.on_ready(conn);
}

static void on_signalr_record(struct conn *conn, const char *record, size_t length) {
    const size_t prefix = sizeof EVENT_PREFIX - 1;
    if (conn->state == SHAKING) {
        if (length != 2 || memcmp(record, "{}", 2) != 0) fail("Handshake refused: %.*s", (int)length, record);
        become_ready(conn);
        return;
    }
    if (length > prefix + 3 && memcmp(record, EVENT_PREFIX, prefix) == 0) {
        if (memcmp(record + length - 3, "\"]}", 3) != 0) fail("An event without its end: %.*s", (int)length, record);
        hooks.on_event(conn, record + prefix, length - prefix - 3);
        return;
    }
    if (length >= 10 && memcmp(record, "{\"type\":6}", 10) == 0) return;
    const char *id = memmem(record, length, "\"invocationId\":\"", 16);
    if (id == NULL || memmem(record, length, "\"type\":3", 8) == NULL || memmem(record, length, "\"error\"", 7) != NULL)
        fail("Not known: %.*s", (int)length, record);
    const char *text = memmem(record, length, "\"result\":\"", 10);
    const char *end = text == NULL ? NULL : memchr(text + 10, '"', (size_t)(record + length - text - 10));
    hooks.on_answer(conn, (unsigned)atoi(id + 16), text == NULL ? NULL : text + 10, text == NULL ? 0 : (size_t)(end - text - 10));
}

static void on_socketio_message(struct conn *conn, const char *text, size_t length) {
    static const char event[] = "42[\"Event\",\"";
    const size_t prefix = sizeof event - 1;
    if (length > prefix + 2 && memcmp(text, event, prefix) == 0) {
        hooks.on_event(conn, text + prefix, length - prefix - 2);
    } else if (length > 2 && memcmp(text, "43", 2) == 0) {
        const char *opening_quote = memchr(text, '"', length);
        size_t skip = opening_quote == NULL ? 0 : (size_t)(opening_quote - text) + 1;
        hooks.on_answer(conn, (unsigned)atoi(text + 2), skip ? text + skip : NULL, skip ? length - skip - 2 : 0);
    } else if (length >= 1 && text[0] == '2' && length == 1) {
        send_frame(conn, 1, "3", 1);
    } else if (conn->state == SHAKING && length > 2 && memcmp(text, "40", 2) == 0) {
        become_ready(conn);
    } else if (conn->state == SHAKING && length > 1 && text[0] == '0') {
        send_frame(conn, 1, "40", 2);
    } else {
        fail("Not known: %.*s", (int)length, text);
    }
}

static void on_message(struct conn *conn, const char *text, size_t length) {
    if (dialect == SOCKETIO) {
        on_socketio_message(conn, text, length);
        return;
    }
    while (length > 0 && conn->state != LOST) {
        const char *end = memchr(text, RS, length);
        if (end == NULL) fail("A message that ends within a record: %.*s", (int)length, text);
        on_signalr_record(conn, text, (size_t)(end - text));
        length -= (size_t)(end + 1 - text);
        text = end + 1;
    }
}

static void on_frame(struct conn *conn, int first, const char *payload, size_t length) {
    int opcode = first & 0x0f;
    if (first & 0x70) fail("Reserved bits are set in a frame: %#x", first);
    if (opcode == 8) {
        lose(conn);
    } else if (opcode == 9) {
        send_frame(conn, 10, payload, length);
    } else if (opcode == 10) {
        return;
    } else if (opcode > 2) {
        fail("A frame with opcode %d.", opcode);
    } else if ((first & 0x80) != 0 && opcode != 0) {
        on_message(conn, payload, length);
    } else {
        reserve(&conn->message, &conn->message_cap, conn->message_len + length);
        memcpy(conn->message + conn->message_len, payload, length);
        conn->message_len += length;
        if ((first & 0x80) != 0) {
            size_t whole = conn->message_len;
            conn->message_len = 0;
            on_message(conn, conn->message, whole);
        }
    }
}

/* Takes whole frames from the front; returns how many bytes that were. */
static size_t take_frames(struct conn *conn, const char *bytes, size_t length) {
    size_t at = 0;
    while (length - at >= 2 && conn->state != LOST) {
        const unsigned char *frame = (const unsigned char *)bytes + at;
        size_t head = 2, size = frame[1];
        if (size & 0x80) fail("The server masks its frames.");
        if (size == 126) {
            if (length - at < 4) break;
            size = (size_t)frame[2] << 8 | frame[3];
            head = 4;
        } else if (size == 127) {
            if (length - at < 10) break;
            size = 0;
            for (int i = 0; i < 8; i++) size = size << 8 | frame[2 + i];
            head = 10;
        }
        if (length - at < head + size) break;
        on_frame(conn, frame[0], bytes + at + head, size);
        at += head + size;
    }
    return conn->state == LOST ? length : at;
}

static size_t take_head(struct conn *conn, const char *bytes, size_t length) {
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    if (length < 12 || memcmp(bytes, "HTTP/1.1 101", 12) != 0) fail("No upgrade: %.*s", (int)(end - bytes), bytes);
    conn->state = SHAKING;
    if (dialect == SIGNALR) send_frame(conn, 1, "{\"protocol\":\"json\",\"version\":1}\x1e", 32);
    return (size_t)(end + 4 - bytes);
}

static size_t take(struct conn *conn, const char *bytes, size_t length) {
    size_t used = 0;
    if (conn->state == UPGRADING) used = take_head(conn, bytes, length);
    if (conn->state >= SHAKING) used += take_frames(conn, bytes + used, length - used);
    return used;
}

static void read_some(struct conn *conn) {
    ssize_t n = recv(conn->fd, read_buffer, sizeof read_buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        lose(conn);
        return;
    }
    conn->bytes_in += (uint64_t)n;
    if (conn->in_len == 0) {
        size_t used = take(conn, read_buffer, (size_t)n);
        if (conn->state == LOST || used == (size_t)n) return;
        reserve(&conn->in, &conn->in_cap, (size_t)n - used);
        memcpy(conn->in, read_buffer + used, (size_t)n - used);
        conn->in_len = (size_t)n - used;
    } else {
        reserve(&conn->in, &conn->in_cap, conn->in_len + (size_t)n);
        memcpy(conn->in + conn->in_len, read_buffer, (size_t)n);
        conn->in_len += (size_t)n;
        size_t used = take(conn, conn->in, conn->in_len);
        conn->in_len -= used;
        memmove(conn->in, conn->in + used, conn->in_len);
    }
}

/* ------------------------------------------------------------------------------------------------ the loop */

static void open_one(void) {
    struct conn *conn = &conns[next_to_open++];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (conn->fd < 0) fail("socket: %s (raise the limit of open files: ulimit -n)", strerror(errno));
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(conn->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    conn->state = CONNECTING;
    opening++;
    watch(conn, EPOLL_CTL_ADD);
}

static void on_connected(struct conn *conn) {
    int error = 0;
    socklen_t size = sizeof error;
    char request[512];
    const char *path = dialect == SIGNALR ? "/bench" : "/socket.io/?EIO=4&transport=websocket";
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) fail("connect: %s", strerror(error));
    conn->state = UPGRADING;
    watch(conn, EPOLL_CTL_MOD);
    int length = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, port_);
    send_bytes(conn, request, (size_t)length);
}

static void handle(struct conn *conn, uint32_t events) {
    if (conn->state == LOST) return;
    if (conn->state == CONNECTING) {
        on_connected(conn);
        return;
    }
    if ((events & EPOLLOUT) != 0) write_waiting(conn);
    if (conn->state == LOST) return;
    if (conn->is_deaf) {
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) lose(conn);
    } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        read_some(conn);
    }
}

void run_until(bool (*done)(void), double deadline) {
    struct epoll_event events[512];
    while (!done()) {
        double left = deadline - now_s();
        if (left <= 0) return;
        int count = epoll_wait(epoll_fd, events, 512, left > 1 ? 1000 : (int)(left * 1000) + 1);
        for (int i = 0; i < count; i++) handle(events[i].data.ptr, events[i].events);
        while (next_to_open < conn_count && opening < parallel_) open_one();
    }
}

static bool all_are_open(void) { return opened == conn_count; }

void open_all(enum dialect spoken, int port, int count, int parallel) {
    dialect = spoken;
    port_ = port;
    parallel_ = parallel;
    conn_count = count;
    conns = calloc((size_t)count, sizeof *conns);
    epoll_fd = epoll_create1(0);
    if (conns == NULL || epoll_fd < 0) fail("Out of memory or of files.");
    for (int i = 0; i < count; i++) conns[i].index = i;
    while (next_to_open < conn_count && opening < parallel_) open_one();
    run_until(all_are_open, now_s() + 120);
    if (opened != conn_count) fail("Only %d of %d connections were ready in time.", opened, conn_count);
}

void stop_reading(struct conn *conn) {
    conn->is_deaf = true;
    watch(conn, EPOLL_CTL_MOD);
}
