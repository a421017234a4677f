/*
 * server_verbs.h - what the commands are called inside, by the files that they are in.
 */
#ifndef WEFT_SRC_FTP_SERVER_VERBS_H
#define WEFT_SRC_FTP_SERVER_VERBS_H

#include "ftp/server.h"

/* server_login.c */
weft__ftpd_verb_fn weft__ftpd_user, weft__ftpd_pass, weft__ftpd_acct, weft__ftpd_rein;

/* server_tls.c */
weft__ftpd_verb_fn weft__ftpd_auth, weft__ftpd_pbsz, weft__ftpd_prot, weft__ftpd_ccc;

/* server_port.c */
weft__ftpd_verb_fn weft__ftpd_port, weft__ftpd_eprt, weft__ftpd_pasv, weft__ftpd_epsv;

/* server_retr.c */
weft__ftpd_verb_fn weft__ftpd_retr;

/* server_stor.c */
weft__ftpd_verb_fn weft__ftpd_stor, weft__ftpd_appe, weft__ftpd_stou, weft__ftpd_rest,
	weft__ftpd_allo;

/* server_list.c */
weft__ftpd_verb_fn weft__ftpd_list, weft__ftpd_nlst, weft__ftpd_mlsd, weft__ftpd_mlst;

/* server_change.c */
weft__ftpd_verb_fn weft__ftpd_dele, weft__ftpd_rmd, weft__ftpd_mkd, weft__ftpd_rnfr,
	weft__ftpd_rnto, weft__ftpd_mfmt, weft__ftpd_site;

/* server_tell.c */
weft__ftpd_verb_fn weft__ftpd_abor, weft__ftpd_cdup, weft__ftpd_cwd, weft__ftpd_pwd,
	weft__ftpd_feat, weft__ftpd_hash, weft__ftpd_xsha256, weft__ftpd_help, weft__ftpd_mdtm,
	weft__ftpd_mode, weft__ftpd_noop, weft__ftpd_opts, weft__ftpd_quit, weft__ftpd_size,
	weft__ftpd_stat, weft__ftpd_stru, weft__ftpd_syst, weft__ftpd_type;

/** STAT with a path: its listing, on the control connection. In server_list.c. */
weft__ftpd_verb_fn weft__ftpd_stat_path;

#endif
