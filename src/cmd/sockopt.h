/*
 * sockopt.h - what the files of `weft sockopt` share.
 */
#ifndef WEFT_SRC_CMD_SOCKOPT_H
#define WEFT_SRC_CMD_SOCKOPT_H

#include <stdbool.h>

/** Print what the socket is and its options, of other protocols too if is_all. A status. */
int weft__sockopt_show(int fd, bool is_all, bool is_json);

#endif
