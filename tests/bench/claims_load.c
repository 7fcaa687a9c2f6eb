/* Buyers for `make bench-claims`: many connections in one thread (epoll), each sends its next request when it has the
 * answer to the last. Websockets speak Engine.IO 4 and Socket.IO 5 by hand, HTTP is 1.1 with keep-alive: a client
 * written in Python would be slower than the server that it measures.
 *
 *   claims_load socket|http PORT PEOPLE-FILE      one line a person: cookie and CSRF token
 * standard input:  run NAME PER-CLIENT KEY-PREFIX FIELDS     NAME is an event or a path, FIELDS is JSON without braces
 *                  (with a key of its own for each request) or - for an empty body
 * standard output: one JSON line when all are connected, and one for each run.
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

typedef unsigned char byte;
typedef struct { int fd, ready, todo, sent, kept; double asked; char *cookie, *csrf; byte *rest; } Client;
enum { MOST = 4096, ROOM = 1 << 16 };
static Client clients[MOST];
static int count, is_http, port, poller, ready, running;
static double *won_after, *all_after;
static long won, refused, other, answered, room;
static double began, last_win, last_answer, cpu_began;
static char name[256], prefix[64], fields[1024];

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }

static double cpu(void) {
    struct rusage r; getrusage(RUSAGE_SELF, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what) { perror(what); exit(1); }

static void put(Client *c, const void *data, size_t n) {
    if (send(c->fd, data, n, MSG_NOSIGNAL) != (ssize_t)n) fail("send");
}

static void frame(Client *c, const char *text, size_t n) {  /* a masked text frame; the mask is zero */
    byte out[4096]; size_t head = n < 126 ? 2 : 4;
    out[0] = 0x81; out[1] = 0x80 | (n < 126 ? n : 126);
    if (n >= 126) { out[2] = n >> 8; out[3] = n & 255; }
    memset(out + head, 0, 4); memcpy(out + head + 4, text, n);
    put(c, out, head + 4 + n);
}

static void ask(Client *c) {
    char body[2048], out[4096]; int n;
    c->todo--; c->sent++;
    if (!strcmp(fields, "-")) strcpy(body, "{}");
    else sprintf(body, "{\"key\":\"%s-%d-%d\",%s}", prefix, (int)(c - clients), c->sent, fields);
    c->asked = now();
    if (is_http) {
        n = sprintf(out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: livestall=%s\r\nX-CSRFToken: %s\r\n"
                    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", name, port, c->cookie, c->csrf,
                    strlen(body), body);
        put(c, out, n);
    } else {
        n = sprintf(out, "42%d[\"%s\",%s]", c->sent, name, body);
        frame(c, out, n);
    }
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b; return x < y ? -1 : x > y;
}

static double part(double *list, long n, double share) { return n ? list[(long)(share * (n - 1))] * 1000 : 0; }

static void report(void) {
    qsort(won_after, won, sizeof *won_after, rising); qsort(all_after, answered, sizeof *all_after, rising);
    printf("{\"won\":%ld,\"refused\":%ld,\"other\":%ld,\"seconds\":%.6f,\"win_seconds\":%.6f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"win_p50_ms\":%.3f,\"win_p99_ms\":%.3f,\"client_cpu\":%.4f}\n", won, refused, other,
           last_answer - began, won ? last_win - began : 0, part(all_after, answered, .5),
           part(all_after, answered, .99), part(won_after, won, .5), part(won_after, won, .99), cpu() - cpu_began);
    fflush(stdout);
}

static void answer(Client *c, const char *text, size_t n) {
    double moment = now(); static int shown;
    all_after[answered++] = moment - c->asked; last_answer = moment;
    if (memmem(text, n, "\"ok\":true", 9)) { won_after[won++] = moment - c->asked; last_win = moment; }
    else if (memmem(text, n, "\"sold_out\"", 10)) refused++;
    else { other++; if (shown++ < 3) fprintf(stderr, "answer: %.*s\n", (int)(n < 300 ? n : 300), text); }
    if (c->todo > 0) ask(c);
    else if (--running == 0) report();
}

static void connected(Client *c) {
    c->ready = 2;
    if (++ready == count) { printf("{\"ready\":%d}\n", ready); fflush(stdout); }
}

static void packet(Client *c, const char *text, size_t n) {
    if (n >= 1 && text[0] == '0') frame(c, "40", 2);
    else if (n == 1 && text[0] == '2') frame(c, "3", 1);
    else if (n >= 2 && text[0] == '4' && text[1] == '0') connected(c);
    else if (n >= 2 && text[0] == '4' && text[1] == '3') answer(c, text, n);
}

static size_t take_http(Client *c, byte *data, size_t n) {  /* how many bytes one whole answer took, 0 if it is not whole */
    byte *end = memmem(data, n, "\r\n\r\n", 4); char *length;
    if (!end) return 0;
    *end = 0; length = strcasestr((char *)data, "content-length:"); *end = '\r';
    size_t whole = end + 4 - data + (length ? strtoul(length + 15, 0, 10) : 0);
    if (whole > n) return 0;
    answer(c, (char *)data, whole);
    return whole;
}

static size_t take_frame(Client *c, byte *data, size_t n) {
    if (c->ready == 0) {
        byte *end = memmem(data, n, "\r\n\r\n", 4);
        if (!end) return 0;
        if (memcmp(data + 9, "101", 3)) { fprintf(stderr, "no websocket: %.200s\n", data); exit(1); }
        c->ready = 1;
        return end + 4 - data;
    }
    if (n < 2) return 0;
    size_t size = data[1] & 127, head = 2;
    if (size == 126) { if (n < 4) return 0; size = data[2] << 8 | data[3]; head = 4; }
    else if (size == 127) { if (n < 10) return 0; size = 0; head = 10;
        for (int i = 2; i < 10; i++) size = size << 8 | data[i]; }
    if (n < head + size) return 0;
    if ((data[0] & 15) == 8) { fprintf(stderr, "closed by the server\n"); exit(1); }
    if ((data[0] & 15) == 1) packet(c, (char *)data + head, size);
    return head + size;
}

static void readable(Client *c) {
    static byte data[2 * ROOM];
    memcpy(data, c->rest, c->kept);
    ssize_t got = recv(c->fd, data + c->kept, ROOM, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) { fprintf(stderr, "connection lost\n"); exit(1); }
    size_t n = c->kept + got, at = 0, took;
    data[n] = 0;
    while (at < n && (took = is_http ? take_http(c, data + at, n - at) : take_frame(c, data + at, n - at))) at += took;
    c->kept = n - at; memcpy(c->rest, data + at, c->kept);
}

static void begin(Client *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1; char out[2048];
    if ((c->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 || connect(c->fd, (void *)&to, sizeof to)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
    c->rest = malloc(ROOM);
    if (is_http) { connected(c); return; }
    put(c, out, sprintf(out, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "Cookie: livestall=%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n", port, c->cookie));
}

static void command(char *line) {
    int per;
    if (sscanf(line, "run %255s %d %63s %1023[^\n]", name, &per, prefix, fields) != 4) exit(0);
    if ((long)count * per > room) {
        room = (long)count * per;
        won_after = realloc(won_after, room * sizeof(double)); all_after = realloc(all_after, room * sizeof(double));
    }
    won = refused = other = answered = 0; running = count; cpu_began = cpu(); began = now();
    for (int i = 0; i < count; i++) { clients[i].todo = per; ask(&clients[i]); }
}

int main(int argc, char **argv) {
    char line[2048], cookie[1024], csrf[512];
    if (argc != 4) { fprintf(stderr, "claims_load socket|http PORT PEOPLE-FILE\n"); return 2; }
    is_http = !strcmp(argv[1], "http"); port = atoi(argv[2]);
    FILE *people = fopen(argv[3], "r");
    if (!people) fail(argv[3]);
    poller = epoll_create1(0);
    while (count < MOST && fscanf(people, "%1023s %511s", cookie, csrf) == 2) {
        clients[count].cookie = strdup(cookie); clients[count++].csrf = strdup(csrf);
    }
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = 0}, seen[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &input);
    for (int next = 0;;) {
        while (next < count && next - ready < 32) begin(&clients[next++]);
        int n = epoll_wait(poller, seen, 256, 1000);
        for (int i = 0; i < n; i++) {
            if (seen[i].data.ptr) { readable(seen[i].data.ptr); continue; }
            ssize_t got = read(0, line, sizeof line - 1);
            if (got <= 0) return 0;
            line[got] = 0; command(line);
        }
    }
}
