/* Drawn cells, for trying everything where no real ones are at hand. */
#ifndef DATASET_SYNTH_H
#define DATASET_SYNTH_H

#include "base/progress.h"
#include "image/decode.h"
#include "leuko.h"

#define SYNTH_SIDE 450 /* pixels, as the real pictures */
#define SYNTH_MIN_CELLS 48
#define SYNTH_MAX_CELLS 100000

/* Draws cell number `index` of the series `seed` (0: healthy, 1: blast) of subject `subject` into
 * `out` (image_free). Nothing about it is real. Errors: NO_MEMORY. */
leuko_status synth_cell(uint64_t seed, size_t index, int blast, size_t subject, image *out,
                        leuko_error *error);

/* Writes a tree like that of the data set with `cells` drawn cells:
 * dir/training_data/fold_{0,1,2}/{all,hem}/UID_<subject>_<image>_<cell>_<class>.png, every subject
 * in one fold only, and dir/SYNTHETIC.txt that says what they are. Equal arguments give equal
 * files. Errors: ARGUMENT (cells out of range, or `dir` already holds training_data), INTERRUPTED,
 * those of writing. */
leuko_status dataset_synth(const char *dir, size_t cells, uint64_t seed, const progress *report,
                           leuko_error *error);

#endif
