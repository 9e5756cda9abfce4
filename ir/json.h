/* Writing JSON. */
#ifndef SGC_IR_JSON_H
#define SGC_IR_JSON_H

#include <stddef.h>
#include <stdio.h>

/* The bytes of the well-formed UTF-8 character at s; 0: there is none. */
size_t utf8_length(const char *s);
/* A string in quotes; what is not UTF-8 becomes U+FFFD. */
void json_text(FILE *out, const char *s);
/* "key":"value" */
void json_member(FILE *out, const char *key, const char *value);

#endif
