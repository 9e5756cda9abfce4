/* Contact sheets: the images of an array, side by side in one PNG file. */
#ifndef SGC_RUNTIME_PNG_H
#define SGC_RUNTIME_PNG_H

#include "runtime/data.h"

/* Writes an array [.., h, w] in grey or [.., h, w, 3] in colour; the leading axes are flattened
 * into a sequence of images, which fills a nearly square grid row by row with a line of one grey
 * pixel between images.  Reals are clamped to [0, 1], and 1 is white; integers are clamped to [0,
 * 255]; false is black.  What is not a number is black, and *nans counts it (`nans` may be NULL).
 *
 * The file is replaced when all is written, or not at all.  The array stays the caller's. */
bool sgrt_png_write(const char *path, const SgrtArray *a, int64_t *nans, SgrtError *e);

/* True if the array has one of the shapes above. */
bool sgrt_png_fits(const SgrtArray *a);

#endif
