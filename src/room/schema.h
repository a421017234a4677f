/*
 * schema.h - the form of chat.db, in numbered steps.
 *
 * A step that was released is never edited: a change is a new step, and a new file in
 * tests/room/schemas with a database as the last one left it.
 */
#ifndef ROOM_SCHEMA_H
#define ROOM_SCHEMA_H

#include "store/store.h"

/** The newest version. */
#define WEFT__ROOM_SCHEMA_VERSION 2

extern const struct weft__store_schema weft__room_schema;

#endif
