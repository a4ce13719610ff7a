/* Downloads over HTTPS that end with a whole, right file or with none. What has come so far lies in
 * FILE.part; only when size and digest are right is it renamed. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "weights/catalogue.h"
#include "weights/pull.h"

#define MAX_FRUITLESS 3                 /* attempts in a row that brought nothing */
#define MAX_ATTEMPTS 100                /* in all */
#define MAX_UNKNOWN ((uint64_t)2 << 30) /* where the size is not known beforehand */

static const char go_on[] = "run the same command again: it goes on where it broke off";

/* One attempt, as curl's callbacks see it. */
typedef struct {
  const weights_entry *entry;
  const progress *progress;
  CURL *curl;
  int fd;               /* of the .part file */
  uint64_t have;        /* bytes in it */
  uint64_t asked_from;  /* where the attempt began */
  bool begun;           /* the answer's head has been looked at */
  int64_t range_from;   /* of the answer's Content-Range; -1 without */
  uint64_t total;       /* by what the server says; 0 if it says nothing */
  leuko_status refused; /* why a callback stopped the transfer */
  char why[160];
} transfer;

/* ---- what arrives ---- */

static size_t refuse(transfer *t, leuko_status status, const char *why) {
  t->refused = status;
  snprintf(t->why, sizeof t->why, "%s", why);
  return 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  transfer *t = context;
  static const char name[] = "content-range: bytes ";
  char text[96];
  size_t length = size * count < sizeof text - 1 ? size * count : sizeof text - 1;
  memcpy(text, line, length);
  text[length] = 0;
  /* A redirection brings several heads; the last one counts. */
  if (strncmp(text, "HTTP/", 5) == 0) t->range_from = -1;
  if (strncasecmp(text, name, sizeof name - 1) == 0)
    t->range_from = strtoll(text + sizeof name - 1, NULL, 10);
  return size * count;
}

/* Looks at the answer's head once: where its bytes belong, and how many there will be. */
static bool begin(transfer *t) {
  long code = 0;
  curl_off_t length = -1;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
  curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  t->begun = true;
  if (code == 206 && t->range_from != (int64_t)t->have) {
    refuse(t, LEUKO_BAD_DATA, "the server sends another part of the file than was asked for");
    return false;
  }
  /* A server that knows no ranges sends everything: begin anew. */
  if (code != 206 && t->have > 0) {
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0) {
      refuse(t, LEUKO_IO, "the begun file cannot be emptied");
      return false;
    }
    t->have = 0;
  }
  if (length >= 0) t->total = t->have + (uint64_t)length;
  if (t->total && t->entry->bytes && t->total != t->entry->bytes) {
    char why[160];
    snprintf(why, sizeof why, "the server announces %llu bytes, the file has %llu",
             (unsigned long long)t->total, (unsigned long long)t->entry->bytes);
    refuse(t, LEUKO_BAD_DATA, why);
    return false;
  }
  return true;
}

static size_t on_data(char *data, size_t size, size_t count, void *context) {
  transfer *t = context;
  size_t bytes = size * count;
  if (!t->begun && !begin(t)) return 0;
  uint64_t most = t->entry->bytes ? t->entry->bytes : MAX_UNKNOWN;
  if (bytes > most - t->have)
    return refuse(t, LEUKO_BAD_DATA, "the server sends more bytes than the file has");
  for (size_t done = 0; done < bytes;) {
    ssize_t wrote = write(t->fd, data + done, bytes - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      char text[64];
      return refuse(t, error_from_errno(errno), strerror_r(errno, text, sizeof text));
    }
    done += (size_t)wrote;
    t->have += (uint64_t)wrote;
  }
  return bytes;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up) {
  (void)total, (void)now, (void)up_total, (void)up;
  transfer *t = context;
  uint64_t all = t->entry->bytes ? t->entry->bytes : t->total;
  /* In megabytes; one short of the end, which is told when the file has been checked. */
  size_t done = (size_t)(t->have / 1000000), whole = (size_t)(all / 1000000) + 1;
  if (all == 0) return progress_report(t->progress, t->entry->name, 0, 1, "MB");
  return progress_report(t->progress, t->entry->name, done < whole ? done : whole - 1, whole, "MB");
}

/* ---- one attempt ---- */

static CURLcode attempt(transfer *t, const char *url, const weights_pull_options *options,
                        char reason[CURL_ERROR_SIZE]) {
  CURL *c = curl_easy_init();
  if (!c) return CURLE_OUT_OF_MEMORY;
  t->curl = c;
  t->begun = false;
  t->range_from = -1;
  t->asked_from = t->have;
  char range[32];
  reason[0] = 0;
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "leuko/" LEUKO_VERSION);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 20L);
  /* Under 1 kB a second for half a minute counts as broken off. */
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, 30L);
  if (options->certificates) curl_easy_setopt(c, CURLOPT_CAINFO, options->certificates);
  if (t->have > 0) {
    snprintf(range, sizeof range, "%llu-", (unsigned long long)t->have);
    curl_easy_setopt(c, CURLOPT_RANGE, range);
  }
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
  CURLcode code = curl_easy_perform(c);
  if (code != CURLE_OK && !reason[0])
    snprintf(reason, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
  curl_easy_cleanup(c);
  t->curl = NULL;
  return code;
}

/* What a second try may mend: anything that the network does. */
static bool is_passing(CURLcode code) {
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
         code == CURLE_GOT_NOTHING || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_HTTP2 ||
         code == CURLE_HTTP2_STREAM || code == CURLE_SSL_CONNECT_ERROR;
}

static const char *remedy_for(CURLcode code, uint64_t have) {
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    return "install the system's certificates (Debian: ca-certificates), or name some with "
           "--certificates";
  if (have > 0) return go_on;
  return "check the network, or download the file elsewhere and run leuko weights import FILE";
}

static leuko_status refused(const transfer *t, const char *url, leuko_error *error) {
  const char *remedy = t->refused == LEUKO_DISK_FULL ? "free some space and run again"
                       : t->refused == LEUKO_BAD_DATA
                           ? "try later, or take another file: leuko weights list"
                           : NULL;
  return error_set(error, t->refused, url, remedy, "%s", t->why);
}

/* Goes on until the file is complete, or the network brings nothing more. */
static leuko_status transfer_all(transfer *t, const char *url, const weights_pull_options *options,
                                 leuko_error *error) {
  char reason[CURL_ERROR_SIZE];
  int fruitless = 0;
  CURLcode code = CURLE_OK;
  for (int i = 0; i < MAX_ATTEMPTS; i++) {
    if (t->entry->bytes && t->have == t->entry->bytes) return LEUKO_OK;
    code = attempt(t, url, options, reason);
    if (t->refused != LEUKO_OK) return refused(t, url, error);
    if (code == CURLE_OK && (!t->entry->bytes || t->have == t->entry->bytes)) return LEUKO_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
      return error_set(error, LEUKO_INTERRUPTED, url, go_on, "interrupted after %llu bytes",
                       (unsigned long long)t->have);
    if (code == CURLE_OK) snprintf(reason, sizeof reason, "the server ends too early");
    /* 416: what lies here is no beginning of what lies there. */
    if (code == CURLE_HTTP_RETURNED_ERROR && t->asked_from > 0 && ftruncate(t->fd, 0) == 0 &&
        lseek(t->fd, 0, SEEK_SET) == 0) {
      t->have = 0;
      if (++fruitless < MAX_FRUITLESS) continue;
    }
    fruitless = t->have > t->asked_from ? 0 : fruitless + 1;
    if ((code != CURLE_OK && !is_passing(code)) || fruitless >= MAX_FRUITLESS) break;
    if (fruitless) nanosleep(&(struct timespec){.tv_sec = fruitless}, NULL);
  }
  return error_set(error, LEUKO_IO, url, remedy_for(code, t->have),
                   "the download failed after %llu bytes: %.200s", (unsigned long long)t->have,
                   reason);
}

/* ---- the file ---- */

/* Whether a file has the entry's size and digest. */
static leuko_status check(const weights_entry *entry, const char *path, leuko_error *error) {
  static const char remedy[] =
      "try later; if it stays so, the publisher's file has changed: do not use it";
  file_map map;
  leuko_status status = file_map_open(path, 0, &map, error);
  if (status != LEUKO_OK) return status;
  char digest[HASH_HEX] = "";
  const char *wanted = entry->sha256 ? entry->sha256 : entry->md5;
  if (entry->sha256) status = hash_bytes(map.data, map.size, digest, error);
  else status = hash_md5(map.data, map.size, digest, error);
  if (status == LEUKO_OK && entry->bytes && map.size != entry->bytes)
    status = error_set(error, LEUKO_BAD_DATA, path, remedy, "%zu bytes, expected were %llu",
                       map.size, (unsigned long long)entry->bytes);
  else if (status == LEUKO_OK && strcmp(digest, wanted) != 0)
    status = error_set(error, LEUKO_BAD_DATA, path, remedy, "%s %.16s..., expected was %.16s...",
                       entry->sha256 ? "SHA-256" : "MD5", digest, wanted);
  file_unmap(&map);
  return status;
}

static leuko_status write_url(const weights_entry *entry, const char *mirror, char *out,
                              size_t size, leuko_error *error) {
  if (!mirror) {
    snprintf(out, size, "%s", entry->url);
    return LEUKO_OK;
  }
  if (strncmp(mirror, "https://", 8) != 0)
    return error_set(error, LEUKO_ARGUMENT, mirror, "give an https:// address",
                     "weights are only fetched over HTTPS");
  return file_join(out, size, mirror, entry->file, error);
}

/* Opens FILE.part for this process alone. */
static leuko_status open_part(const char *part, transfer *t, leuko_error *error) {
  t->fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (t->fd < 0) return error_set_errno(error, part, "create");
  struct stat info;
  if (flock(t->fd, LOCK_EX | LOCK_NB) != 0)
    return error_set(error, LEUKO_IO, part, "wait for it to end",
                     "another process is downloading the same file");
  if (fstat(t->fd, &info) != 0) return error_set_errno(error, part, "stat");
  t->have = (uint64_t)info.st_size;
  /* More than there should be is no beginning of it. */
  if (t->entry->bytes && t->have > t->entry->bytes) {
    if (ftruncate(t->fd, 0) != 0) return error_set_errno(error, part, "empty");
    t->have = 0;
  }
  if (lseek(t->fd, 0, SEEK_END) < 0) return error_set_errno(error, part, "read");
  return LEUKO_OK;
}

/* Checks FILE.part and gives it its name. A wrong one is removed: nothing can be made of it. */
static leuko_status finish(const transfer *t, const char *part, const char *path,
                           leuko_error *error) {
  leuko_status status = check(t->entry, part, error);
  if (status == LEUKO_BAD_DATA || status == LEUKO_EMPTY) unlink(part);
  if (status != LEUKO_OK) return status;
  if (fsync(t->fd) != 0 || rename(part, path) != 0) return error_set_errno(error, path, "write");
  size_t whole = (size_t)(t->have / 1000000) + 1;
  progress_report(t->progress, t->entry->name, whole, whole, "MB");
  return LEUKO_OK;
}

leuko_status pull_entry(const weights_entry *entry, const weights_pull_options *options,
                        const progress *watcher, char *path_out, size_t size, leuko_error *error) {
  char folder[1024], path[1280], part[1300], url[1280];
  leuko_status status = write_url(entry, options->mirror, url, sizeof url, error);
  if (status == LEUKO_OK && !options->folder)
    status = catalogue_folder(folder, sizeof folder, error);
  else if (status == LEUKO_OK) {
    status = file_make_folders(options->folder, error);
    snprintf(folder, sizeof folder, "%s", options->folder);
  }
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, entry->file, error);
  if (status != LEUKO_OK) return status;
  if (path_out && (size_t)snprintf(path_out, size, "%s", path) >= size)
    return error_set(error, LEUKO_TOO_LARGE, path, NULL, "the path is too long");
  if (file_exists(path) && check(entry, path, NULL) == LEUKO_OK) return LEUKO_OK;
  snprintf(part, sizeof part, "%s.part", path);
  transfer t = {.entry = entry, .progress = watcher, .fd = -1};
  status = open_part(part, &t, error);
  if (status == LEUKO_OK) {
    status = transfer_all(&t, url, options, error);
    if (status == LEUKO_OK) status = finish(&t, part, path, error);
    else if (t.have == 0) unlink(part);
  }
  if (t.fd >= 0) close(t.fd);
  return status;
}

leuko_status weights_pull(const char *name, const weights_pull_options *options,
                          const progress *watcher, char *path_out, size_t size,
                          leuko_error *error) {
  static const weights_pull_options defaults = {0};
  const weights_entry *entry = weights_entry_find(name);
  if (!entry)
    return error_set(error, LEUKO_ARGUMENT, name, "leuko weights list",
                     "there are no weights '%.40s'", name);
  return pull_entry(entry, options ? options : &defaults, watcher, path_out, size, error);
}
