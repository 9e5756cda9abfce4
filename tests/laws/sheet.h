/* Every divergence and every mean that the moment table gives, against its formula. */
#ifndef SGC_TESTS_LAWS_SHEET_H
#define SGC_TESTS_LAWS_SHEET_H

#include <check.h>

TCase *sheet_case(void);

#endif
