/* What the readers of weight files share. */
#ifndef ENGINE_FORMAT_WEIGHTS_FILE_H
#define ENGINE_FORMAT_WEIGHTS_FILE_H

/* The part of a path behind the last slash: what a set that is read from there is labelled. */
const char *cn_file_name(const char *path);

#endif
