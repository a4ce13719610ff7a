/* leuko: tells leukemic blasts (ALL) from healthy cells (HEM) in microscope images of single cells.
 *
 * A complete program (examples/classify.c):
 *
 *     #include <leuko.h>
 *     #include <stdio.h>
 *
 *     int main(int argc, char **argv) {
 *       if (argc != 3) {
 *         fprintf(stderr, "usage: classify MODEL.safetensors IMAGE\n");
 *         return 2;
 *       }
 *       leuko_error error = {0};
 *       leuko_predictor *predictor = NULL;
 *       leuko_status status = leuko_predictor_open(argv[1], NULL, &predictor, &error);
 *       leuko_answer answer = {0};
 *       if (status == LEUKO_OK) status = leuko_predict_file(predictor, argv[2], &answer, &error);
 *       if (status == LEUKO_OK)
 *         printf("%s: p(%s) = %.4f, answered %s\n", argv[2], leuko_predictor_positive(predictor),
 *                answer.p, answer.label);
 *       else
 *         fprintf(stderr, "%s: %s: %s\n%s\n", error.file, leuko_status_name(status), error.message,
 *                 error.remedy);
 *       leuko_predictor_close(predictor);
 *       return leuko_status_exit_code(status);
 *     }
 *
 * The library never prints, never exits and keeps no global state. A predictor belongs to one
 * thread at a time; several predictors may be used side by side. Research use only: leuko is not a
 * medical device and its answers are no diagnosis.
 */
#ifndef LEUKO_H
#define LEUKO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEUKO_VERSION "0.1.0"

#if defined(__GNUC__)
#define LEUKO_API __attribute__((visibility("default")))
#else
#define LEUKO_API
#endif

/* Every way in which a call can end: name, exit code of the program, message.
 * Exit codes: 0 done; 1 failed; 2 wrong call; 3 input refused; 4 some inputs refused. */
#define LEUKO_STATUS_MAP(X)                                                                        \
  X(OK, 0, "done")                                                                                 \
  X(NO_MEMORY, 1, "not enough memory")                                                             \
  X(IO, 1, "a read or write failed")                                                               \
  X(DISK_FULL, 1, "no space left on the device")                                                   \
  X(BACKEND, 1, "the compute backend failed")                                                      \
  X(INTERRUPTED, 1, "interrupted; what was reached is saved")                                      \
  X(DIVERGED, 1, "the loss is no longer a finite number")                                          \
  X(ARGUMENT, 2, "wrong call")                                                                     \
  X(NOT_FOUND, 3, "no such file or folder")                                                        \
  X(UNREADABLE, 3, "the file or folder cannot be read")                                            \
  X(EMPTY, 3, "the file is empty")                                                                 \
  X(NOT_AN_IMAGE, 3, "not an image of a known format")                                             \
  X(CORRUPT_IMAGE, 3, "the image is truncated or damaged")                                         \
  X(TOO_LARGE, 3, "larger than the limit")                                                         \
  X(TOO_SMALL, 3, "smaller than the limit")                                                        \
  X(BAD_CSV, 3, "the CSV file is not as documented")                                               \
  X(BAD_MODEL, 3, "not a model file of leuko, or a damaged one")                                   \
  X(UNSUPPORTED_MODEL, 3, "a model file that this version does not know")                          \
  X(SELF_CHECK, 3, "the model does not give its recorded answer")                                  \
  X(NO_DATA, 3, "nothing to work on")                                                              \
  X(BAD_DATA, 3, "the data are not as expected")                                                   \
  X(LEAK, 3, "the split puts the same patient on both sides")                                      \
  X(MISMATCH, 3, "the stored run was made with other options or data")                             \
  X(PARTIAL, 4, "some inputs were refused, the rest are answered")

typedef enum {
#define LEUKO_STATUS_ENUM(name, code, message) LEUKO_##name,
  LEUKO_STATUS_MAP(LEUKO_STATUS_ENUM)
#undef LEUKO_STATUS_ENUM
      LEUKO_STATUS_COUNT
} leuko_status;

/* What went wrong, filled by the call that failed. `file` is the file or folder concerned (may be
 * empty), `remedy` what the caller can do about it (may be empty). Nothing is allocated. */
typedef struct {
  leuko_status status;
  char message[320];
  char file[1024];
  char remedy[320];
} leuko_error;

/* "OK", "NOT_FOUND", ...; a constant string, never NULL. */
LEUKO_API const char *leuko_status_name(leuko_status status);
/* One sentence about the status; a constant string, never NULL. */
LEUKO_API const char *leuko_status_message(leuko_status status);
/* The exit code with which the program ends on this status (0 to 4). */
LEUKO_API int leuko_status_exit_code(leuko_status status);
/* The library's version, as in LEUKO_VERSION; a constant string. */
LEUKO_API const char *leuko_version(void);

/* Why a model did not answer for a picture that could be read: name, sentence. Each but the last is
 * seen in the picture itself, compared with the cells that the model was trained on. */
#define LEUKO_REASON_MAP(X)                                                                        \
  X(NONE, "none", "answered")                                                                      \
  X(BACKGROUND, "background", "the background is not black: not a cell that was cut out")          \
  X(NO_CELL, "no_cell", "no cell is found")                                                        \
  X(SEVERAL, "several", "more than one cell, or a cell in pieces")                                 \
  X(BORDER, "border", "the cell is cut off by the picture's border")                               \
  X(SMALL, "small", "smaller than the cells that the model knows")                                 \
  X(LARGE, "large", "larger than the cells that the model knows")                                  \
  X(SHAPE, "shape", "not the shape of a cell")                                                     \
  X(BLURRED, "blurred", "more blurred than the cells that the model knows")                        \
  X(GRAINY, "grainy", "grainier than the cells that the model knows")                              \
  X(COLOUR, "colour", "not the colours of a stained cell")                                         \
  X(DISTANCE, "distance", "what the network sees is far from the cells that it was trained on")

typedef enum {
#define LEUKO_REASON_ENUM(name, text, sentence) LEUKO_REASON_##name,
  LEUKO_REASON_MAP(LEUKO_REASON_ENUM)
#undef LEUKO_REASON_ENUM
      LEUKO_REASON_COUNT
} leuko_reason;

/* "background", "no_cell", ...; a constant string, never NULL. */
LEUKO_API const char *leuko_reason_name(leuko_reason reason);
/* One sentence about the reason; a constant string, never NULL. */
LEUKO_API const char *leuko_reason_message(leuko_reason reason);

/* A model loaded and ready to answer. */
typedef struct leuko_predictor leuko_predictor;

/* The most classes that a model may have. */
#define LEUKO_MAX_CLASSES 16

/* How a predictor is opened. Zero in every field gives the defaults. */
typedef struct {
  int threads;         /* 0: all processors */
  int batch;           /* images computed at once; 0: 16 */
  const char *backend; /* "onednn" or "ref" (slow and exact); NULL: onednn */
  /* In what is computed: "f32", "bf16" (16 bits, those of bfloat16, half precision and whole
   * numbers in which the processor multiplies fastest, up to three times as fast), "int8" (of a
   * model that 'leuko quantize' has written: bytes where they are faster, 16 bits or float32
   * elsewhere), or "auto": the fastest with which the model was found to give the same answers.
   * NULL: auto. */
  const char *precision;
  int no_skip;   /* not 0: compute a cell's black background as well */
  int no_reject; /* not 0: answer for every picture, also for what is no cell */
} leuko_options;

/* The answer for one image. `status` is LEUKO_OK or says why the file was refused; then `p` is NaN
 * and `label` empty. A picture that could be read but is not answered for is rejected: `status` is
 * LEUKO_OK, `reason` says why, the probabilities are NaN, `label` is "rejected". */
typedef struct {
  leuko_status status;
  leuko_reason reason; /* LEUKO_REASON_NONE: answered */
  double distance;     /* of what the network sees to the cells that it was trained on, in standard
                          deviations (Mahalanobis); NaN where the model does not hold it */
  double p;            /* probability of the positive class (two classes), or of
                          the answered class (more classes), calibrated where
                          the model holds a temperature */
  double probabilities[LEUKO_MAX_CLASSES]; /* of each class, in the model's order */
  double logit;      /* before temperature and sigmoid (two classes); else the largest */
  double p_raw;      /* as p, without the model's temperature */
  int label_index;   /* -1 if refused or rejected */
  char label[32];    /* name of the answered class, or "rejected" */
  char sha256[65];   /* of the file's bytes, hexadecimal; empty if unreadable */
  char message[320]; /* why it was refused or rejected; else empty */
} leuko_answer;

/* Opens the model file `path` (*.safetensors, or a run folder, whose best.safetensors is taken).
 * `options` may be NULL. On success *out is owned by the caller (leuko_predictor_close); otherwise
 * it is NULL and `error` (may be NULL) is filled.
 * Errors: NOT_FOUND, UNREADABLE, BAD_MODEL, UNSUPPORTED_MODEL, NO_MEMORY, BACKEND, ARGUMENT. */
LEUKO_API leuko_status leuko_predictor_open(const char *path, const leuko_options *options,
                                            leuko_predictor **out, leuko_error *error);
/* In what the predictor computes: "f32", "bf16" or "int8"; a constant string. */
LEUKO_API const char *leuko_predictor_precision(const leuko_predictor *predictor);
/* Frees a predictor; NULL is allowed. */
LEUKO_API void leuko_predictor_close(leuko_predictor *predictor);

/* Answers one image file (BMP, PNG, JPEG, TIFF or WebP). Errors: those of reading the file. */
LEUKO_API leuko_status leuko_predict_file(leuko_predictor *predictor, const char *path,
                                          leuko_answer *answer, leuko_error *error);
/* Answers `count` files into `answers` [count]; a refused file does not stop the others. Returns
 * LEUKO_OK, LEUKO_PARTIAL if some were refused, or NO_DATA-like status of the first if all were. */
LEUKO_API leuko_status leuko_predict_files(leuko_predictor *predictor, const char *const *paths,
                                           size_t count, leuko_answer *answers, leuko_error *error);
/* Answers one image held in memory: `rgb` is [height][width][3], 8 bits a channel. */
LEUKO_API leuko_status leuko_predict_pixels(leuko_predictor *predictor, const uint8_t *rgb,
                                            int width, int height, leuko_answer *answer,
                                            leuko_error *error);

/* Number of classes, at least 2. */
LEUKO_API int leuko_predictor_classes(const leuko_predictor *predictor);
/* Name of class `index`, or "" if there is none; owned by the predictor. */
LEUKO_API const char *leuko_predictor_class(const leuko_predictor *predictor, int index);
/* Name of the positive class (two classes), e.g. "all"; owned by the predictor. */
LEUKO_API const char *leuko_predictor_positive(const leuko_predictor *predictor);

#ifdef __cplusplus
}
#endif
#endif
