/*
 * weft/weft.h - all of weft's public headers.
 */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include "weft/address.h"
#include "weft/api.h"
#include "weft/chan.h"
#include "weft/buf.h"
#include "weft/coro.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/gen.h"
#include "weft/group.h"
#include "weft/heap.h"
#include "weft/http.h"
#include "weft/list.h"
#include "weft/lock.h"
#include "weft/log.h"
#include "weft/map.h"
#include "weft/mpsc.h"
#include "weft/offload.h"
#include "weft/pack.h"
#include "weft/ring.h"
#include "weft/scope.h"
#include "weft/search.h"
#include "weft/sem.h"
#include "weft/serve.h"
#include "weft/signal.h"
#include "weft/socket.h"
#include "weft/sockopt.h"
#include "weft/sort.h"
#include "weft/stack.h"
#include "weft/str.h"
#include "weft/stream.h"
#include "weft/thread.h"
#include "weft/thread_pool.h"
#include "weft/tree.h"
#include "weft/vec.h"
#include "weft/waitlist.h"

#endif
