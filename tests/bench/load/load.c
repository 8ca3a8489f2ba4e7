/* The load of the wire benchmarks: one workload against one server, measured, printed as one line of JSON.
 *
 *     load fanout  --port P --pid S --dialect signalr|socketio --connections 1000 --publishers 1  --warm 0.5 --seconds 2
 *     load echo    … --connections 100 --depth 10
 *     load streams … --streams 200 --watchers 3 --per-second 0 --characters 64
 *     load idle    … --connections 5000
 *     load slow    … --connections 200 --per-second 100 --characters 4096 --deaf 1
 *
 * CPU and memory are of the process S. Every record is checked: which one is next for each connection is known.
 */
#include "client.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ID 1u
#define MAX_PUBLISHERS 64

static int port, pid, connections = 1000, publishers = 1, depth = 1, streams = 200, watchers = 3, per_second,
    characters = 64, deaf, parallel = 64, payload_bytes = 105;
static unsigned at_least; /* measuring goes on beyond `seconds` until so many have come */
static double warm_s = 0.5, seconds = 2;
static enum dialect dialect = SIGNALR;

static uint64_t received;
static unsigned answered; /* calls that came back */
static bool is_false(void) { return false; }

/* ------------------------------------------------------------------------------------------------ what is printed */

static struct {
    double at, server_cpu, own_cpu;
    uint64_t received, bytes;
} from;

static uint64_t bytes_in(void) {
    uint64_t sum = 0;
    for (int i = 0; i < conn_count; i++) sum += conns[i].bytes_in;
    return sum;
}

static void begin(void) {
    from.at = now_s();
    from.server_cpu = cpu_of(pid);
    from.own_cpu = cpu_of(0);
    from.received = received;
    from.bytes = bytes_in();
}

static bool has_enough(void) { return received - from.received >= at_least; }

static void run_measured(double deadline) {
    run_until(is_false, deadline);
    run_until(has_enough, now_s() + 30);
    if (!has_enough()) fail("Only %" PRIu64 " of %u came.", received - from.received, at_least);
}

static void print_measured(void) {
    double passed = now_s() - from.at, server = cpu_of(pid) - from.server_cpu, own = cpu_of(0) - from.own_cpu;
    printf("\"seconds\":%.6f,\"count\":%" PRIu64 ",\"server_cpu_s\":%.6f,\"load_cpu_s\":%.6f,\"bytes\":%" PRIu64
           ",\"rss_kb\":%ld", passed, received - from.received, server, own, bytes_in() - from.bytes, rss_kb(pid));
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t *delays; /* microseconds x 10 */
static size_t delay_count, delay_cap;

static void note_delay(uint64_t ns) {
    if (delay_count == delay_cap) {
        delay_cap = delay_cap ? delay_cap * 2 : 1 << 20;
        delays = realloc(delays, delay_cap * sizeof *delays);
        if (delays == NULL) fail("Out of memory.");
    }
    delays[delay_count++] = ns / 100 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 100);
}

static void print_delays(void) {
    if (delay_count == 0) return;
    qsort(delays, delay_count, sizeof *delays, by_size);
    printf(",\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f", delays[delay_count / 2] / 1e4,
           delays[delay_count * 99 / 100] / 1e4, delays[delay_count - 1] / 1e4);
}

/* ------------------------------------------------------------------------------------------------ fan-out */

static unsigned *next_of; /* by connection and publisher: the number that must come next */
static unsigned numbers[MAX_PUBLISHERS];
static int missing[MAX_PUBLISHERS]; /* connections that the publisher's newest has not reached */
static uint64_t published_at[MAX_PUBLISHERS];
static bool is_measuring, is_ending;

static void publish(int publisher) {
    char payload[4096];
    const char *arguments[] = {"all", payload};
    if (is_ending) return;
    missing[publisher] = conn_count;
    published_at[publisher] = now_ns();
    int used = snprintf(payload, sizeof payload, "%02d%010u", publisher, ++numbers[publisher]);
    memset(payload + used, 'x', (size_t)(payload_bytes - used));
    payload[payload_bytes] = '\0';
    notify(&conns[publisher], "Publish", arguments, 2);
    flush(&conns[publisher]);
}

static void on_published(struct conn *conn, const char *text, size_t length) {
    if (length != (size_t)payload_bytes) fail("A payload of %zu bytes came where %d were sent.", length, payload_bytes);
    int publisher = (text[0] - '0') * 10 + text[1] - '0';
    unsigned number = 0;
    for (int i = 2; i < 12; i++) number = number * 10 + (unsigned)(text[i] - '0');
    if (publisher < 0 || publisher >= publishers) fail("There is no publisher %d.", publisher);
    unsigned *next = &next_of[conn->index * publishers + publisher];
    if (number != ++*next) fail("Connection %d got number %u of publisher %d, not %u.", conn->index, number, publisher, *next);
    received++;
    if (--missing[publisher] == 0) {
        if (is_measuring) note_delay(now_ns() - published_at[publisher]);
        publish(publisher);
    }
}

static void on_joined(struct conn *conn, unsigned id, const char *text, size_t length) {
    (void)conn, (void)text, (void)length;
    if (id != ID) fail("An answer to %u, which was not asked.", id);
    answered++;
}

static bool all_answered(void) { return answered == (unsigned)conn_count; }

static bool nothing_missing(void) {
    for (int i = 0; i < publishers; i++)
        if (missing[i] != 0) return false;
    return true;
}

static void join(struct conn *conn, const char *group) {
    const char *arguments[] = {group};
    call(conn, "Join", ID, arguments, 1);
    flush(conn);
}

static void join_all(void) {
    for (int i = 0; i < conn_count; i++) join(&conns[i], "all");
    run_until(all_answered, now_s() + 60);
    if (!all_answered()) fail("Only %u of %d could join.", answered, conn_count);
}

static void fanout(void) {
    next_of = calloc((size_t)connections * (size_t)publishers, sizeof *next_of);
    hooks.on_event = on_published;
    hooks.on_answer = on_joined;
    open_all(dialect, port, connections, parallel);
    join_all();
    for (int i = 0; i < publishers; i++) publish(i);
    run_until(is_false, now_s() + warm_s);
    is_measuring = true;
    begin();
    run_measured(now_s() + seconds);
    printf("{");
    print_measured();
    print_delays();
    is_ending = true;
    run_until(nothing_missing, now_s() + 30);
    if (!nothing_missing()) fail("What was published last has not reached all.");
    printf("}\n");
}

/* ------------------------------------------------------------------------------------------------ echo */

#define ECHOED "an echo of so many characters as a cell of a sheet may well have"

static unsigned *sent_to; /* by connection: the last id asked */
static unsigned *back_from; /* the last id answered */
static uint64_t *asked_at;

static void ask(struct conn *conn) {
    const char *arguments[] = {ECHOED};
    if (is_ending) return;
    asked_at[conn->index] = now_ns();
    for (int i = 0; i < depth; i++) call(conn, "Echo", ++sent_to[conn->index], arguments, 1);
    flush(conn);
}

static void on_echo(struct conn *conn, unsigned id, const char *text, size_t length) {
    unsigned *back = &back_from[conn->index];
    if (id != ++*back) fail("Connection %d got answer %u, not %u.", conn->index, id, *back);
    if (length != sizeof ECHOED - 1 || memcmp(text, ECHOED, length) != 0) fail("Another text came back.");
    received++;
    if (*back == sent_to[conn->index]) {
        if (is_measuring) note_delay(now_ns() - asked_at[conn->index]);
        ask(conn);
    }
}

static bool all_are_back(void) {
    for (int i = 0; i < conn_count; i++)
        if (sent_to[i] != back_from[i]) return false;
    return true;
}

static void echo(void) {
    sent_to = calloc((size_t)connections, sizeof *sent_to);
    back_from = calloc((size_t)connections, sizeof *back_from);
    asked_at = calloc((size_t)connections, sizeof *asked_at);
    hooks.on_answer = on_echo;
    open_all(dialect, port, connections, parallel);
    for (int i = 0; i < connections; i++) ask(&conns[i]);
    run_until(is_false, now_s() + warm_s);
    is_measuring = true;
    begin();
    run_measured(now_s() + seconds);
    printf("{");
    print_measured();
    print_delays();
    is_ending = true;
    run_until(all_are_back, now_s() + 30);
    if (!all_are_back()) fail("The last echoes have not come.");
    printf("}\n");
}

/* ------------------------------------------------------------------------------------------------ streams */

static uint64_t *last_stamp; /* by connection */
static uint64_t *stamps_sum; /* what all watchers of a stream must agree on */
static unsigned *stamps_count;
static unsigned lost;
static double lost_at;

static void on_item(struct conn *conn, const char *text, size_t length) {
    uint64_t stamp = 0;
    if (length != (size_t)characters) fail("A text of %zu characters came, not %d.", length, characters);
    for (int i = 0; i < 16; i++) stamp = stamp * 10 + (uint64_t)(text[i] - '0');
    if (stamp < last_stamp[conn->index]) fail("Connection %d got a text before an older one.", conn->index);
    last_stamp[conn->index] = stamp;
    stamps_sum[conn->index] += stamp;
    stamps_count[conn->index]++;
    received++;
    if (is_measuring) note_delay(now_ns() - stamp);
}

static void on_lost(struct conn *conn) {
    if (!conn->is_deaf) fail("The server closed connection %d.", conn->index);
    lost++;
    lost_at = now_s();
}

static double quiet_since;
static uint64_t seen_before;

static bool is_quiet(void) { /* nothing for half a second */
    if (received != seen_before) {
        seen_before = received;
        quiet_since = now_s();
    }
    return now_s() - quiet_since > 0.5;
}

static void stream_to_all(int count, int each) {
    double run_s = warm_s + seconds + 0.2;
    long before = rss_kb(pid);
    invoke_stream(&conns[0], ID, count, per_second, run_s, characters);
    double started = now_s();
    run_until(is_false, started + warm_s);
    is_measuring = true;
    begin();
    run_measured(started + warm_s + seconds);
    is_measuring = false;
    printf("{\"rss_before_kb\":%ld,", before);
    print_measured();
    print_delays();
    quiet_since = now_s();
    run_until(is_quiet, now_s() + 60);
    for (int i = 0; i < count * each; i++) {
        int first = i / each * each;
        if (stamps_sum[i] != stamps_sum[first] || stamps_count[i] != stamps_count[first] || stamps_count[i] == 0)
            fail("Watchers %d and %d of one stream got %u and %u texts.", first, i, stamps_count[first], stamps_count[i]);
    }
}

static void prepare_streams(void) {
    last_stamp = calloc((size_t)connections, sizeof *last_stamp);
    stamps_sum = calloc((size_t)connections, sizeof *stamps_sum);
    stamps_count = calloc((size_t)connections, sizeof *stamps_count);
    hooks.on_event = on_item;
    hooks.on_answer = on_joined;
    open_all(dialect, port, connections, parallel);
}

static void many_streams(void) {
    char group[16];
    connections = streams * watchers;
    prepare_streams();
    for (int i = 0; i < connections; i++) {
        snprintf(group, sizeof group, "s%d", i / watchers);
        join(&conns[i], group);
    }
    run_until(all_answered, now_s() + 60);
    if (!all_answered()) fail("Only %u of %d could join.", answered, conn_count);
    stream_to_all(streams, watchers);
    printf("}\n");
}

static void slow(void) {
    int good = connections;
    connections += deaf;
    hooks.on_lost = on_lost;
    prepare_streams();
    for (int i = 0; i < connections; i++) join(&conns[i], "s0");
    run_until(all_answered, now_s() + 60);
    for (int i = good; i < connections; i++) stop_reading(&conns[i]);
    double started = now_s();
    stream_to_all(1, good);
    printf(",\"cut\":%u,\"cut_after_s\":%.3f}\n", lost, lost > 0 ? lost_at - started : -1.0);
}

/* ------------------------------------------------------------------------------------------------ idle */

static void idle(void) {
    long before = rss_kb(pid);
    begin();
    open_all(dialect, port, connections, parallel);
    double passed = now_s() - from.at, server = cpu_of(pid) - from.server_cpu;
    hooks.on_answer = on_joined;
    run_until(is_false, now_s() + 1); /* so that what a handshake leaves behind can go */
    printf("{\"count\":%d,\"seconds\":%.6f,\"server_cpu_s\":%.6f,\"rss_before_kb\":%ld,\"rss_kb\":%ld}\n", connections,
           passed, server, before, rss_kb(pid));
}

/* ------------------------------------------------------------------------------------------------ the command */

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'}, {"pid", 1, 0, 'i'}, {"dialect", 1, 0, 'd'}, {"connections", 1, 0, 'n'},
        {"publishers", 1, 0, 'b'}, {"depth", 1, 0, 'e'}, {"streams", 1, 0, 's'}, {"watchers", 1, 0, 'w'},
        {"per-second", 1, 0, 'r'}, {"characters", 1, 0, 'c'}, {"deaf", 1, 0, 'f'}, {"parallel", 1, 0, 'l'},
        {"warm", 1, 0, 'm'}, {"seconds", 1, 0, 't'}, {"payload", 1, 0, 'a'}, {"at-least", 1, 0, 'g'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'i': pid = atoi(optarg); break;
        case 'd': dialect = strcmp(optarg, "socketio") == 0 ? SOCKETIO : SIGNALR; break;
        case 'n': connections = atoi(optarg); break;
        case 'b': publishers = atoi(optarg); break;
        case 'e': depth = atoi(optarg); break;
        case 's': streams = atoi(optarg); break;
        case 'w': watchers = atoi(optarg); break;
        case 'r': per_second = atoi(optarg); break;
        case 'c': characters = atoi(optarg); break;
        case 'f': deaf = atoi(optarg); break;
        case 'l': parallel = atoi(optarg); break;
        case 'm': warm_s = atof(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'g': at_least = (unsigned)atoi(optarg); break;
        case 'a': payload_bytes = atoi(optarg); break;
        default: exit(2);
        }
    }
    if (port == 0 || pid == 0) fail("--port and --pid say which server.");
    if (publishers > MAX_PUBLISHERS || publishers > connections) fail("Too many publishers.");
    if (payload_bytes < 12 || payload_bytes > 4000 || characters < 16) fail("The texts are too short or too long.");
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*run)(void); } workloads[] = {
        {"fanout", fanout}, {"echo", echo}, {"streams", many_streams}, {"slow", slow}, {"idle", idle}};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc < 2) fail("Which workload? fanout, echo, streams, slow or idle.");
    read_options(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        if (strcmp(argv[1], workloads[i].name) == 0) {
            workloads[i].run();
            return 0;
        }
    }
    fail("There is no workload %s.", argv[1]);
}
