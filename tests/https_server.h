/* An HTTPS server on 127.0.0.1 that serves one file and can be told to misbehave. It runs in a
 * thread of the test; its certificate is made for the occasion. */
#ifndef TESTS_HTTPS_SERVER_H
#define TESTS_HTTPS_SERVER_H

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "support.h"

typedef struct {
  /* What it does. */
  const uint8_t *data;
  size_t size;
  size_t break_after; /* closes the connection after so many bytes of the body; 0: never */
  bool no_ranges;     /* answers a range with the whole file */
  bool no_length;     /* leaves out the length */
  bool wrong_range;   /* answers a range with another one */
  bool no_such_range; /* answers a range with 416 */
  long lie;           /* added to the announced length */
  size_t surplus;     /* bytes sent behind the end */
  int code;           /* answers with this code and nothing; 0: normally */
  const char *redirect;

  /* What came of it. */
  atomic_int requests, range_requests;

  /* Its own. */
  int listener, port;
  atomic_bool stop;
  SSL_CTX *context;
  pthread_t thread;
  char folder[PATH], certificate[PATH], url[64];
} server;

static inline void server_make_certificate(server *s) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *x = X509_new();
  assert_non_null(key);
  assert_non_null(x);
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, key);
  X509_NAME *name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"leuko test", -1, -1,
                             0);
  X509_set_issuer_name(x, name);
  static const struct {
    int nid;
    const char *value;
  } extensions[] = {{NID_basic_constraints, "critical,CA:TRUE"},
                    {NID_subject_alt_name, "IP:127.0.0.1"}};
  for (int i = 0; i < 2; i++) {
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  assert_true(X509_sign(x, key, EVP_sha256()) > 0);
  snprintf(s->certificate, PATH, "%.900s/ca.pem", s->folder);
  FILE *file = fopen(s->certificate, "w");
  assert_non_null(file);
  PEM_write_X509(file, x);
  fclose(file);
  s->context = SSL_CTX_new(TLS_server_method());
  assert_int_equal(SSL_CTX_use_certificate(s->context, x), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(s->context, key), 1);
  X509_free(x);
  EVP_PKEY_free(key);
}

/* Reads a request's head and gives where its range begins, or -1. */
static inline long server_read_request(SSL *tls) {
  char head[4096] = "";
  size_t length = 0;
  while (length < sizeof head - 1 && !strstr(head, "\r\n\r\n")) {
    int got = SSL_read(tls, head + length, (int)(sizeof head - 1 - length));
    if (got <= 0) return -2;
    length += (size_t)got;
    head[length] = 0;
  }
  const char *range = strcasestr(head, "range: bytes=");
  return range ? strtol(range + 13, NULL, 10) : -1;
}

static inline void server_answer(server *s, SSL *tls) {
  long asked = server_read_request(tls);
  if (asked < -1) return;
  s->requests++;
  if (asked >= 0) s->range_requests++;
  size_t from = asked > 0 && !s->no_ranges ? (size_t)asked : 0;
  if (from > s->size) from = s->size;
  int code = s->code                          ? s->code
             : s->redirect                    ? 302
             : asked >= 0 && s->no_such_range ? 416
             : asked >= 0 && !s->no_ranges    ? 206
                                              : 200;
  char head[512];
  int n = snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\nConnection: close\r\n", code);
  size_t rest = code == 200 || code == 206 ? s->size - from : 0;
  if (s->redirect)
    n += snprintf(head + n, sizeof head - (size_t)n, "Location: %s\r\n", s->redirect);
  if (code == 206)
    n += snprintf(head + n, sizeof head - (size_t)n, "Content-Range: bytes %zu-%zu/%zu\r\n",
                  from + s->wrong_range, s->size - 1, s->size);
  if (!s->no_length)
    n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %ld\r\n",
                  (long)rest + (rest ? s->lie : 0));
  n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
  SSL_write(tls, head, n);
  size_t most = s->break_after && s->break_after < rest ? s->break_after : rest;
  for (size_t done = 0; done < most;) {
    int part = (int)(most - done < 16384 ? most - done : 16384);
    if (SSL_write(tls, s->data + from + done, part) <= 0) return;
    done += (size_t)part;
  }
  for (size_t i = 0; i < s->surplus && SSL_write(tls, "x", 1) > 0; i++) {
  }
  /* A broken connection ends without TLS's goodbye. */
  if (most == rest) SSL_shutdown(tls);
}

static inline void *server_run(void *argument) {
  server *s = argument;
  for (;;) {
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0) continue;
    if (s->stop) {
      close(fd);
      return NULL;
    }
    SSL *tls = SSL_new(s->context);
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1) server_answer(s, tls);
    SSL_free(tls);
    close(fd);
  }
}

/* Starts it; its behaviour may be changed between downloads. */
static inline void server_start(server *s) {
  signal(SIGPIPE, SIG_IGN);
  setenv("no_proxy", "127.0.0.1", 1);
  test_folder(s->folder);
  server_make_certificate(s);
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  assert_int_equal(bind(s->listener, (struct sockaddr *)&address, length), 0);
  assert_int_equal(listen(s->listener, 8), 0);
  assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &length), 0);
  s->port = ntohs(address.sin_port);
  snprintf(s->url, sizeof s->url, "https://127.0.0.1:%d", s->port);
  assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static inline void server_stop(server *s) {
  s->stop = true;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)s->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  pthread_join(s->thread, NULL);
  close(fd);
  close(s->listener);
  SSL_CTX_free(s->context);
  test_remove(s->folder);
}

#endif
