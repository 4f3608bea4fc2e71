#include "data/pictures.h"

#include "condense/memory.h"

void st_pictures_clear(st_pictures *pictures)
{
    for (int32_t i = 0; pictures->files && i < pictures->count; i++)
        cn_free(pictures->files[i]);
    cn_free(pictures->files);
    cn_free(pictures->pixels);
    cn_free(pictures->labels);
    *pictures = (st_pictures){0};
}
