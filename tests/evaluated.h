/* A small set of answers, worked out by hand: what the tests of evaluation share. */
#ifndef TESTS_EVALUATED_H
#define TESTS_EVALUATED_H

#include "support.h"

#include "evaluate/evaluate.h"

static const char *const names[] = {"all", "hem"};

/* Positive is "all" (index 0). Answers at 0.5: p of logit 0 is exactly 0.5, so positive. */
static const double logits[] = {2.0, 1.0, -1.0, -2.0, 0.0, 3.0, -3.0, 0.5};

static const evaluate_sample samples[] = {
    {"a/1.bmp", "01", "7", 0, logits + 0, LEUKO_OK, 0},      /* right */
    {"a/2.bmp", "02", "7", 0, logits + 1, LEUKO_OK, 0},      /* right */
    {"a/3.bmp", "03", "7", 0, logits + 2, LEUKO_OK, 0},      /* wrong */
    {"h/1.bmp", "04", "H1", 1, logits + 3, LEUKO_OK, 0},     /* right */
    {"h/2.bmp", "05", "H1", 1, logits + 4, LEUKO_OK, 0},     /* wrong */
    {"h/3,\"x\".bmp", "06", "", 1, logits + 5, LEUKO_OK, 0}, /* wrong; no subject */
    {"h/4.bmp", "07", NULL, -1, logits + 6, LEUKO_OK, 0},    /* unlabelled */
    {"h/5.bmp", "", "H1", 1, NULL, LEUKO_CORRUPT_IMAGE, 0},  /* refused */
    {"h/6.bmp", "08", "H0", 1, logits + 6, LEUKO_OK, 0},     /* right */
};

static inline evaluate_input small_input(void) {
  return (evaluate_input){.classes = names,
                          .class_count = 2,
                          .positive = 0,
                          .threshold = 0.5,
                          .samples = samples,
                          .count = sizeof samples / sizeof *samples};
}

#endif
