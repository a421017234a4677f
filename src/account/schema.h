/*
 * schema.h - the database's form, in numbered steps.
 *
 * A step that was released is never edited: a change is a new step, and a new file in
 * tests/account/schemas with a database as the last one left it.
 */
#ifndef ACCOUNT_SCHEMA_H
#define ACCOUNT_SCHEMA_H

#include "store/store.h"

/** The newest version. */
#define WEFT__SCHEMA_VERSION 4

/** Of accounts.db. */
extern const struct weft__store_schema weft__account_schema;

#endif
