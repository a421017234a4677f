/*
 * fault.h - the errno that goes with a fault.
 */
#ifndef ROOM_FAULT_H
#define ROOM_FAULT_H

#include "weft/room.h"

int weft__room_fault_errno(enum weft_room_fault fault);

#endif
