/* The rules of translation, by name; low_rule() finds them by the term of proofs/ops.def. */
#ifndef SGC_CERTIFY_RULE_H
#define SGC_CERTIFY_RULE_H

#include "certify/lower.h"

/* The Coq term of an op; NULL: it has none. */
const char *low_term(IrOp op);

LowRule rule_input, rule_const, rule_size, rule_index, rule_sample, rule_copy, rule_map, rule_neg,
    rule_not, rule_mul, rule_or, rule_lt, rule_le, rule_eq, rule_ne, rule_select, rule_sum,
    rule_lse, rule_contract, rule_one_hot, rule_gather, rule_scatter, rule_tril, rule_cumsum,
    rule_reshape, rule_transpose, rule_expand, rule_slice, rule_pad, rule_concat, rule_diag,
    rule_diag_part, rule_to_plate, rule_to_axis, rule_carry;

#endif
