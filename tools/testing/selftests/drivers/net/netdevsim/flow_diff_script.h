/* SPDX-License-Identifier: GPL-2.0 */
/* How conversations of flow_differential begin and end. */
#ifndef _FLOW_DIFF_SCRIPT_H
#define _FLOW_DIFF_SCRIPT_H

#include "flow_diff_talk.h"

void conv_init(struct conv *c, uint64_t seed, unsigned int round,
	       unsigned int index);
void conv_go_on(struct conv *c);

#endif /* _FLOW_DIFF_SCRIPT_H */
