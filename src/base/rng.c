#include "base/rng.h"

#include <math.h>

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

rng rng_open(uint64_t seed, rng_purpose purpose, uint32_t epoch, uint32_t sample) {
  return (rng){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
               .counter = {0, (uint32_t)purpose, epoch, sample},
               .used = 4};
}

uint32_t rng_u32(rng *r) {
  if (r->used == 4) {
    rng_philox(r->counter, r->key, r->block);
    r->counter[0]++;
    r->used = 0;
  }
  return r->block[r->used++];
}

double rng_uniform(rng *r) {
  uint64_t high = rng_u32(r) >> 5, low = rng_u32(r) >> 6;
  return ((double)high * 67108864.0 + (double)low) / 9007199254740992.0;
}

double rng_between(rng *r, double low, double high) {
  return low + (high - low) * rng_uniform(r);
}

double rng_normal(rng *r) {
  double u = 1.0 - rng_uniform(r), v = rng_uniform(r);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint32_t rng_below(rng *r, uint32_t bound) {
  uint32_t reject_below = (0u - bound) % bound;
  for (;;) {
    uint32_t x = rng_u32(r);
    if (x >= reject_below) return x % bound;
  }
}

void rng_shuffle(rng *r, size_t *items, size_t count) {
  for (size_t i = count; i > 1; i--) {
    size_t j = rng_below(r, (uint32_t)i), other = items[j];
    items[j] = items[i - 1];
    items[i - 1] = other;
  }
}
