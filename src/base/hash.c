#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

struct hash {
  EVP_MD_CTX *context;
  int failed;
};

static void write_hex(const unsigned char *digest, unsigned size, char *hex) {
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < size; i++) {
    hex[2 * i] = digits[digest[i] >> 4];
    hex[2 * i + 1] = digits[digest[i] & 15];
  }
  hex[2 * size] = 0;
}

leuko_status hash_open(hash **out, leuko_error *error) {
  *out = NULL;
  hash *h = calloc(1, sizeof *h);
  if (!h) return error_set_memory(error, sizeof *h);
  h->context = EVP_MD_CTX_new();
  if (!h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
    EVP_MD_CTX_free(h->context);
    free(h);
    return error_set(error, LEUKO_BACKEND, NULL, NULL, "SHA-256 is not available");
  }
  *out = h;
  return LEUKO_OK;
}

void hash_add(hash *h, const void *data, size_t size) {
  if (EVP_DigestUpdate(h->context, data, size) != 1) h->failed = 1;
}

leuko_status hash_close(hash *h, char hex[HASH_HEX], leuko_error *error) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  int ok = EVP_DigestFinal_ex(h->context, digest, &size) == 1 && !h->failed && size == 32;
  EVP_MD_CTX_free(h->context);
  free(h);
  hex[0] = 0;
  if (!ok) return error_set(error, LEUKO_BACKEND, NULL, NULL, "SHA-256 failed");
  write_hex(digest, size, hex);
  return LEUKO_OK;
}

leuko_status hash_md5(const void *data, size_t size, char hex[HASH_MD5_HEX], leuko_error *error) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  hex[0] = 0;
  if (EVP_Digest(data, size, digest, &length, EVP_md5(), NULL) != 1 || length != 16)
    return error_set(error, LEUKO_BACKEND, NULL, NULL, "MD5 is not available");
  write_hex(digest, length, hex);
  return LEUKO_OK;
}

leuko_status hash_bytes(const void *data, size_t size, char hex[HASH_HEX], leuko_error *error) {
  hash *h;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) return status;
  hash_add(h, data, size);
  return hash_close(h, hex, error);
}

leuko_status hash_file(const char *path, char hex[HASH_HEX], leuko_error *error) {
  hex[0] = 0;
  /* O_NONBLOCK keeps a named pipe from blocking the open. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return error_set_errno(error, path, "open");
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return error_set(error, LEUKO_UNREADABLE, path, "give a file", "not a regular file");
  }
  hash *h;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) {
    close(fd);
    return status;
  }
  unsigned char buffer[1 << 16];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR))
    if (got > 0) hash_add(h, buffer, (size_t)got);
  int saved = errno;
  close(fd);
  status = hash_close(h, hex, error);
  if (got < 0) {
    errno = saved;
    hex[0] = 0;
    return error_set_errno(error, path, "read");
  }
  return status;
}
