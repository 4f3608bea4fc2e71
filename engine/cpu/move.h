/* Operators that only move data; no arithmetic worth a vector. */
#ifndef CN_CPU_MOVE_H
#define CN_CPU_MOVE_H

#include "cpu/kernels/simple.h"

cn_f32_simple_kernel cn_move_copy, cn_move_flatten, cn_move_pad, cn_move_resize, cn_move_shuffle;

#endif
