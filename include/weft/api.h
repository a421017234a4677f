/*
 * weft/api.h - what every public header shares: export marks and time units.
 *
 * All times and durations in weft are int64_t nanoseconds. A timeout of
 * WEFT_FOREVER (or any negative number) never comes: a timeout that was computed,
 * as the time left to some moment, must not be let go below zero. (weft_sleep() takes
 * WEFT_FOREVER alone for that.)
 */
#ifndef WEFT_API_H
#define WEFT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
#define WEFT_BEGIN extern "C" {
#define WEFT_END   }
#else
#define WEFT_BEGIN
#define WEFT_END
#endif

#define WEFT_API __attribute__((visibility("default")))

#define WEFT_MICROSECONDS(n) ((int64_t)(n)*1000)
#define WEFT_MILLISECONDS(n) ((int64_t)(n)*1000000)
#define WEFT_SECONDS(n)      ((int64_t)(n)*1000000000)
#define WEFT_FOREVER         ((int64_t)-1)

#endif
