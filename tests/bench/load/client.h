/* WebSocket clients by the thousand on one epoll loop, speaking SignalR's JSON records or socket.io's events.
 *
 * A workload fills in `hooks`, calls `open_all`, and then `run_until`. What a server sends is checked: frames must be
 * whole and unmasked, records must be known. Anything else ends the program with a sentence on stderr.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dialect { SIGNALR, SOCKETIO };
enum state { NEW, CONNECTING, UPGRADING, SHAKING, READY, LOST };

struct conn {
    int fd;
    int index;
    enum state state;
    bool is_deaf; /* reads nothing any more */
    bool is_writing; /* waits for room */
    char *in, *out;
    size_t in_len, in_cap, out_len, out_cap;
    char *message; /* fragments of one so far */
    size_t message_len, message_cap;
    uint64_t bytes_in;
};

struct hooks {
    void (*on_ready)(struct conn *);
    void (*on_event)(struct conn *, const char *text, size_t length);
    void (*on_answer)(struct conn *, unsigned id, const char *text, size_t length); /* no text: null */
    void (*on_lost)(struct conn *); /* none: losing one is an error */
};

extern struct conn *conns;
extern int conn_count;
extern struct hooks hooks;

double now_s(void);
uint64_t now_ns(void);
double cpu_of(int pid); /* seconds of user and system time; 0: this process */
long rss_kb(int pid);
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* Opens `count` connections to 127.0.0.1, at most `parallel` at a time, and returns when all are ready. */
void open_all(enum dialect dialect, int port, int count, int parallel);
/* Handles what comes until `done` says so or `deadline` (of now_s) has passed. */
void run_until(bool (*done)(void), double deadline);
void stop_reading(struct conn *);

/* Queue a call; `flush` sends what was queued as one WebSocket message (SignalR) or one each (socket.io). */
void call(struct conn *, const char *target, unsigned id, const char *const *arguments, int count);
/* As `call`, without an answer. */
void notify(struct conn *, const char *target, const char *const *arguments, int count);
void invoke_stream(struct conn *, unsigned id, int streams, int per_second, double seconds, int characters);
void flush(struct conn *);
