/*
 * buffer.h - the I/O buffers of streams, kept per thread between uses.
 *
 * A stream borrows a buffer while bytes are in it and gives it back when they are
 * gone, so an idle connection holds none, and a busy worker goes on using the few
 * that are warm in its cache. All are WEFT_STREAM_BUFFER_SIZE bytes.
 */
#ifndef WEFT_IO_BUFFER_H
#define WEFT_IO_BUFFER_H

/** A buffer with undefined contents, or NULL with ENOMEM. Give it back on any thread. */
void *weft__buffer_take(void);

/** NULL is fine. Keeps errno. */
void weft__buffer_give(void *buffer);

#endif
