/* Sizes of the processor's caches, for rules of what is to stay in them. */
#ifndef CN_CPU_CACHE_H
#define CN_CPU_CACHE_H

#include <stddef.h>

/* Bytes of a core's data cache of level 1 or 2, as the system tells them; 32 KiB and 512 KiB where
 * it does not. */
size_t cn_cache_size(int level);

#endif
