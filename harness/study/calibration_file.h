/* Weight files of calibration jobs. */
#ifndef HARNESS_STUDY_CALIBRATION_FILE_H
#define HARNESS_STUDY_CALIBRATION_FILE_H

#include "condense/weights.h"
#include "store/record_calibration.h"

/* Writes the result to `path`, a compact container where the name ends in ".cnz", else safetensors.
 * The metadata says what the weights are and everything that decided them. `source` is the metadata
 * of the file that was calibrated (may be NULL): quantization changes neither which weights are
 * zero nor how they were trained, so that what it says of these is said on. */
cn_status st_calibration_write(const char *path, const cn_weights *weights,
                               const st_calibration_facts *facts, const char *source,
                               cn_error *error);

#endif
