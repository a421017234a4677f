/*
 * account_ops.h - what the operations of account_ops.c do; each file is a part of the API.
 */
#ifndef WEFT_SRC_HUB_ACCOUNT_OPS_H
#define WEFT_SRC_HUB_ACCOUNT_OPS_H

#include "op.h"

/* account_self.c: sessions, oneself, links. */
hub_op_fn weft__hub_log_in, weft__hub_log_out, weft__hub_list_sessions, weft__hub_end_sessions,
	weft__hub_end_session, weft__hub_show_me, weft__hub_change_me, weft__hub_change_password,
	weft__hub_show_rights, weft__hub_look_at_link, weft__hub_use_link;

/* account_people.c: accounts, their sessions, tokens and groups. */
hub_op_fn weft__hub_find_users, weft__hub_add_user, weft__hub_show_user, weft__hub_change_user,
	weft__hub_remove_user, weft__hub_lock_user, weft__hub_unlock_user, weft__hub_make_link,
	weft__hub_set_password, weft__hub_list_tokens, weft__hub_add_token, weft__hub_remove_token,
	weft__hub_list_user_groups;

/* account_files.c: what becomes of somebody's files. */
hub_op_fn weft__hub_settle_files;

/* account_access.c: groups, roles, grants. */
hub_op_fn weft__hub_list_groups, weft__hub_add_group, weft__hub_remove_group, weft__hub_join_group,
	weft__hub_leave_group, weft__hub_list_roles, weft__hub_put_role, weft__hub_remove_role,
	weft__hub_list_grants, weft__hub_put_grant, weft__hub_remove_grant;

/* account_records.c: the audit log, tables, copies. */
hub_op_fn weft__hub_read_audit, weft__hub_export, weft__hub_import, weft__hub_back_up;

/* status_ops.c: the server that runs. */
hub_op_fn weft__hub_show_status, weft__hub_list_fibers;

/** Whom it is about: {user} of the path, else who asks. NULL with EACCES: nobody. */
const char *weft__hub_user(const struct hub_ask *ask);

#endif
