/* docs/laws.md: the table of laws and estimators, written and read. */
#ifndef SGC_TESTS_LAWS_PAGE_H
#define SGC_TESTS_LAWS_PAGE_H

#include "tests/laws/pair.h"

#include <stdio.h>

enum { PAGE_REASONS = 26, PAGE_CELL = 200 };

/* Reasons for refusals, by the letters that cells have for them. */
typedef struct PageReasons {
    char text[PAGE_REASONS][sizeof((Pair *)0)->refused];
    int count;
} PageReasons;

/* `normal(mean, sd)`: a row's head. */
void page_law(IrDist d, char *out, size_t size);
const char *page_estimator(IrEstimator e);

/* A cell; reasons that are new get the next letter. */
void page_cell(const Pair *p, PageReasons *reasons, char *out, size_t size);
/* The power of ten that a cell begins with, and what follows it; 0: it begins with none. */
int page_order(const char *cell, const char **rest);

/* False: a cell is empty. */
bool page_write(FILE *out);

/* From the page: the reasons, and a cell of the table whose first column has this head. */
PageReasons page_read_reasons(const char *page);
bool page_read_cell(const char *page, const char *table, const char *row, int column, char *out,
                    size_t size);

#endif
