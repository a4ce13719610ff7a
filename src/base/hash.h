/* SHA-256 through OpenSSL, and MD5 where others publish nothing better. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "leuko.h"

#define HASH_HEX 65 /* 64 digits and the closing zero */

/* SHA-256 of `size` bytes as lower-case hexadecimal. Errors: BACKEND. */
leuko_status hash_bytes(const void *data, size_t size, char hex[HASH_HEX], leuko_error *error);

/* MD5 of `size` bytes, of use against accidents only. Errors: BACKEND. */
#define HASH_MD5_HEX 33
leuko_status hash_md5(const void *data, size_t size, char hex[HASH_MD5_HEX], leuko_error *error);

/* SHA-256 over several pieces in order. Errors: NO_MEMORY, BACKEND. */
typedef struct hash hash;
leuko_status hash_open(hash **out, leuko_error *error);
void hash_add(hash *h, const void *data, size_t size);
/* Writes the digest and frees `h`; a failure on the way shows as BACKEND here. */
leuko_status hash_close(hash *h, char hex[HASH_HEX], leuko_error *error);

/* SHA-256 of a file's bytes. Errors: those of reading it. */
leuko_status hash_file(const char *path, char hex[HASH_HEX], leuko_error *error);

#endif
