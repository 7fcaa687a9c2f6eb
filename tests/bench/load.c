/* A load client: many Socket.IO websockets in one thread (Engine.IO 4, epoll). A client in Python or JavaScript needs
 * more CPU per message than the servers that are measured with it.
 *
 *   load PORT CLIENTS AT_ONCE
 *
 * It connects CLIENTS sockets, at most AT_ONCE in the making, answers pings, and reads events ["ev", {"t": …, "seq": …}]:
 * t is CLOCK_MONOTONIC in ns, seq counts events, so that a lost, doubled or reordered one is seen at each client.
 * Commands on stdin, a line each: "reset", "report", "quit". Answers are JSON lines on stdout.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;
typedef unsigned char u8;
enum state { CONNECTING, UPGRADING, OPENING, JOINING, READY, DEAD };
struct client { int fd; enum state state; u8 *rest; int rest_size; long long next; };

static struct client *clients;
static int count, at_once, port, poll_fd, started, making, ready, dead;
static u64 events, bytes, lost, wrong_order, pings;
static double cpu_before;
static u8 input[1 << 20];

/* Latencies: 10 µs wide up to 1 s; what is later counts as a second. */
#define BINS 100000
static unsigned bins[BINS + 1];
static u64 latest;

static u64 now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void note(u64 ns) {
    u64 bin = ns / 10000;
    bins[bin < BINS ? bin : BINS]++;
    if (ns > latest) latest = ns;
}

static double quantile(double part) {
    u64 wanted = part * events, seen = 0;
    for (int i = 0; i <= BINS; i++)
        if ((seen += bins[i]) > wanted) return i / 100.0;
    return latest / 1e6;
}

/* A text frame, masked with zeros: what counts is that the server has to look. */
static void say(struct client *c, const char *text) {
    u8 frame[128] = {0x81};
    int size = strlen(text);
    frame[1] = 0x80 | size;
    memcpy(frame + 6, text, size);
    if (send(c->fd, frame, 6 + size, MSG_NOSIGNAL) < 0) perror("send");
}

static void end(struct client *c) {
    if (c->state == READY) ready--;
    else making--;
    c->state = DEAD;
    dead++;
    close(c->fd);
    free(c->rest);
    c->rest = NULL;
    c->rest_size = 0;
}

static void start_one(void) {
    struct client *c = &clients[started++];
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) { perror("socket (ulimit -n?)"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->next = -1;
    making++;
    if (connect(c->fd, (void *)&to, sizeof to) < 0 && errno != EINPROGRESS) { end(c); return; }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

static void upgrade(struct client *c) {
    char ask[512];
    int size = snprintf(ask, sizeof ask,
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: bGl2ZXN0YWxsIGxvYWQhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", port);
    if (send(c->fd, ask, size, MSG_NOSIGNAL) != size) { end(c); return; }
    c->state = UPGRADING;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void hear_event(struct client *c, u8 *text, int size) {
    u8 *sent = memmem(text, size, "\"t\":", 4), *seq = memmem(text, size, "\"seq\":", 6);
    if (!sent || !seq) return;
    u64 heard = now(), told = strtoull((char *)sent + 4, NULL, 10);
    long long number = strtoll((char *)seq + 6, NULL, 10);
    note(heard > told ? heard - told : 0);
    events++;
    if (c->next >= 0 && number > c->next) lost += number - c->next;
    if (c->next >= 0 && number < c->next) wrong_order++;
    c->next = number + 1;
}

static void hear(struct client *c, u8 *text, int size) {
    if (c->state == OPENING && text[0] == '0') { say(c, "40"); c->state = JOINING; return; }
    if (c->state == JOINING && size > 1 && text[0] == '4' && text[1] == '0') {
        c->state = READY;
        ready++;
        making--;
    } else if (size == 1 && text[0] == '2') {
        say(c, "3");
        pings++;
    } else if (size > 2 && text[0] == '4' && text[1] == '2') {
        hear_event(c, text, size);
    }
}

/* Whole frames in input[at..size); where the first unfinished one starts. */
static int frames(struct client *c, int at, int size) {
    while (size - at >= 2 && c->state != DEAD) {
        u64 length = input[at + 1] & 127;
        int head = 2;
        if (length == 126) { head = 4; if (size - at < head) break; length = input[at + 2] << 8 | input[at + 3]; }
        else if (length == 127) {
            head = 10;
            if (size - at < head) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | input[at + i];
        }
        if ((u64)(size - at) < head + length) break;
        u8 *text = input + at + head, kept = text[length];
        text[length] = 0; /* for strtoull */
        if ((input[at] & 15) == 8) end(c);
        else if ((input[at] & 15) == 1) hear(c, text, length);
        text[length] = kept;
        at += head + length;
    }
    return at;
}

static void readable(struct client *c) {
    int size = c->rest_size, at = 0;
    if (size) memcpy(input, c->rest, size);
    int got = recv(c->fd, input + size, sizeof input - size - 1, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) end(c);
        return;
    }
    bytes += got;
    size += got;
    if (c->state == UPGRADING) {
        u8 *body = memmem(input, size, "\r\n\r\n", 4);
        if (!body) at = 0;
        else if (memcmp(input + 9, "101", 3)) { fprintf(stderr, "refused: %.60s\n", input); end(c); return; }
        else { c->state = OPENING; at = body + 4 - input; }
    }
    if (c->state >= OPENING && c->state < DEAD) at = frames(c, at, size);
    if (c->state == DEAD) return;
    c->rest_size = size - at;
    if (c->rest_size) {
        c->rest = realloc(c->rest, c->rest_size);
        memcpy(c->rest, input + at, c->rest_size);
    }
}

static void report(const char *what) {
    printf("{\"what\":\"%s\",\"ready\":%d,\"dead\":%d,\"events\":%llu,\"bytes\":%llu,\"lost\":%llu,\"wrong_order\":%llu,"
           "\"pings\":%llu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"cpu\":%.3f}\n", what, ready, dead, events,
           bytes, lost, wrong_order, pings, quantile(0.5), quantile(0.99), latest / 1e6, cpu() - cpu_before);
    fflush(stdout);
}

static void command(char *line) {
    if (!strcmp(line, "quit")) exit(0);
    if (!strcmp(line, "reset")) {
        memset(bins, 0, sizeof bins);
        events = bytes = lost = wrong_order = pings = latest = 0;
        cpu_before = cpu();
    }
    report(line);
}

int main(int words, char **word) {
    if (words != 4) { fprintf(stderr, "load PORT CLIENTS AT_ONCE\n"); return 2; }
    port = atoi(word[1]);
    count = atoi(word[2]);
    at_once = atoi(word[3]);
    clients = calloc(count, sizeof *clients);
    poll_fd = epoll_create1(0);
    struct epoll_event on_stdin = {.events = EPOLLIN, .data.ptr = NULL}, happened[1024];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &on_stdin);
    for (int told = 0;;) {
        while (started < count && making < at_once) start_one();
        if (!told && ready + dead >= count) { told = 1; report("ready"); }
        int many = epoll_wait(poll_fd, happened, 1024, 1000);
        for (int i = 0; i < many; i++) {
            struct client *c = happened[i].data.ptr;
            if (!c) {
                char lines[256];
                int size = read(0, lines, sizeof lines - 1);
                if (size <= 0) return 0;
                lines[size] = 0;
                for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) command(line);
            } else if (c->state == CONNECTING) {
                if (happened[i].events & (EPOLLERR | EPOLLHUP)) end(c);
                else upgrade(c);
            } else if (c->state != DEAD) {
                readable(c);
            }
        }
    }
}
