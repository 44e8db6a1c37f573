/* The bound under tests/bench: what a fresh-connection probe costs where nothing is in the way of the kernel and OpenSSL.
 *
 *     bound PORT LOOKS AT_ONCE [CA_FILE]
 *
 * Makes LOOKS requests to 127.0.0.1:PORT, AT_ONCE of them in flight, each over its own connection, over TLS where a CA
 * file is named: a whole handshake, chain and address verified, no ticket. It stamps connection, handshake, first byte
 * and end, holds the response to be a 200 with all the bytes that it declares, and prints its CPU seconds. It ends with
 * status 1 and a word on stderr at the first look that is anything else.
 */
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

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { MOST_AT_ONCE = 1024, ROOM = 4096 };

static const char REQUEST[] =
    "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bound\r\nAccept: */*\r\nConnection: close\r\n\r\n";

struct look {
    int fd, sent, received;
    SSL *tls;
    long began, connected, secured, first_byte, ended; /* monotonic ns */
    char response[ROOM + 1];
};

static int queue;
static int port;
static SSL_CTX *context;
static struct look looks[MOST_AT_ONCE];
static long phases[4]; /* ns of all looks, so that no compiler leaves the stamps out */

static void die(const char *why) {
    fprintf(stderr, "bound: %s (%s)\n", why, errno ? strerror(errno) : "no error of the system");
    ERR_print_errors_fp(stderr);
    exit(1);
}

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void start(struct look *look) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = look};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    look->sent = look->received = 0;
    look->connected = look->secured = look->first_byte = 0;
    look->began = now();
    look->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (look->fd < 0) die("socket");
    if (connect(look->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("connect");
    if (epoll_ctl(queue, EPOLL_CTL_ADD, look->fd, &wanted) < 0) die("epoll_ctl");
}

static void secure(struct look *look) {
    look->tls = SSL_new(context);
    if (!look->tls || !SSL_set_fd(look->tls, look->fd)) die("SSL_new");
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(look->tls), "127.0.0.1")) die("the address to verify");
    SSL_set_connect_state(look->tls);
}

/* 1: go on, 0: wait. */
static int went(struct look *look, int result) {
    int error;
    if (result > 0) return 1;
    error = SSL_get_error(look->tls, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) die("TLS");
    return 0;
}

/* Whether the response is all there: a status of 200, and as many bytes of body as it declares. */
static int whole(struct look *look) {
    char *end, *length;
    look->response[look->received] = 0;
    end = strstr(look->response, "\r\n\r\n");
    if (!end) return 0;
    if (strncmp(look->response, "HTTP/1.1 200 ", 13)) die("not a 200");
    length = strcasestr(look->response, "\r\ncontent-length:");
    if (!length || length > end) die("no length");
    return look->received - (end + 4 - look->response) >= atol(length + 17);
}

static void finish(struct look *look) {
    look->ended = now();
    phases[0] += look->connected - look->began;
    phases[1] += look->secured - look->connected;
    phases[2] += look->first_byte - look->secured;
    phases[3] += look->ended - look->first_byte;
    if (look->tls) SSL_free(look->tls);
    look->tls = NULL;
    close(look->fd);
}

/* One step of a look; 1 once it is over. */
static int step(struct look *look, unsigned events) {
    if (!look->connected) {
        int error = 0;
        socklen_t size = sizeof error;
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return 0;
        getsockopt(look->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) die("not connected");
        look->connected = now();
        if (context) secure(look);
    }
    if (!look->secured) {
        if (context && !went(look, SSL_do_handshake(look->tls))) return 0;
        look->secured = context ? now() : look->connected;
    }
    if (!look->sent) {
        int length = sizeof REQUEST - 1;
        int sent = context ? SSL_write(look->tls, REQUEST, length) : send(look->fd, REQUEST, length, MSG_NOSIGNAL);
        if (sent != length) die("the request was not taken");
        look->sent = 1;
        if (!context && !(events & EPOLLIN)) return 0;
    }
    for (;;) {
        char *into = look->response + look->received;
        int room = ROOM - look->received, got;
        if (context) {
            got = SSL_read(look->tls, into, room);
            if (!went(look, got)) return 0;
        } else {
            got = recv(look->fd, into, room, 0);
            if (got < 0 && errno == EAGAIN) return 0;
            if (got <= 0) die("no response");
        }
        if (!look->first_byte) look->first_byte = now();
        look->received += got;
        if (whole(look)) return 1;
    }
}

int main(int count, char **given) {
    struct epoll_event ready[MOST_AT_ONCE];
    struct rusage before, after;
    int left, at_once, under_way = 0;

    if (count < 4) die("usage: bound PORT LOOKS AT_ONCE [CA_FILE]");
    port = atoi(given[1]), left = atoi(given[2]), at_once = atoi(given[3]);
    if (at_once > MOST_AT_ONCE) die("too many at once");
    if (count > 4) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
        if (!SSL_CTX_load_verify_locations(context, given[4], NULL)) die("the authorities");
    }
    queue = epoll_create1(EPOLL_CLOEXEC);
    getrusage(RUSAGE_SELF, &before);
    for (; under_way < at_once && left > 0; left--) start(&looks[under_way++]);
    while (under_way > 0) {
        int found = epoll_wait(queue, ready, MOST_AT_ONCE, 10000);
        if (found <= 0) die("nothing for 10 s");
        for (int i = 0; i < found; i++) {
            struct look *look = ready[i].data.ptr;
            if (!step(look, ready[i].events)) continue;
            finish(look);
            if (left > 0) {
                left--;
                start(look);
            } else {
                under_way--;
            }
        }
    }
    getrusage(RUSAGE_SELF, &after);
    printf("%.6f\n", (after.ru_utime.tv_sec - before.ru_utime.tv_sec) + (after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                         (after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6 +
                         (after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6);
    return phases[0] + phases[1] + phases[2] + phases[3] < 0;
}
