/*
 * server_verbs.c - the table of commands: a new one has its line here and in docs/ftp.md.
 *
 * Entry points: weft__ftpd_verb_find(), weft__ftpd_verb_at() (HELP).
 */
#include "ftp/server_verbs.h"

#include <stdlib.h>
#include <string.h>

#define EARLY    WEFT__FTPD_EARLY
#define ARGUMENT WEFT__FTPD_ARGUMENT
#define DATA     WEFT__FTPD_DATA

/* Sorted by name, for bsearch(3). */
static const struct weft__ftpd_verb verbs[] = {
	{"ABOR", weft__ftpd_abor, 0},
	{"ACCT", weft__ftpd_acct, EARLY | ARGUMENT},
	{"ALLO", weft__ftpd_allo, ARGUMENT},
	{"APPE", weft__ftpd_appe, ARGUMENT | DATA},
	{"AUTH", weft__ftpd_auth, EARLY | ARGUMENT},
	{"CCC", weft__ftpd_ccc, 0},
	{"CDUP", weft__ftpd_cdup, 0},
	{"CWD", weft__ftpd_cwd, ARGUMENT},
	{"DELE", weft__ftpd_dele, ARGUMENT},
	{"EPRT", weft__ftpd_eprt, ARGUMENT},
	{"EPSV", weft__ftpd_epsv, 0},
	{"FEAT", weft__ftpd_feat, EARLY},
	{"HASH", weft__ftpd_hash, ARGUMENT},
	{"HELP", weft__ftpd_help, EARLY},
	{"LIST", weft__ftpd_list, DATA},
	{"MDTM", weft__ftpd_mdtm, ARGUMENT},
	{"MFMT", weft__ftpd_mfmt, ARGUMENT},
	{"MKD", weft__ftpd_mkd, ARGUMENT},
	{"MLSD", weft__ftpd_mlsd, DATA},
	{"MLST", weft__ftpd_mlst, 0},
	{"MODE", weft__ftpd_mode, ARGUMENT},
	{"NLST", weft__ftpd_nlst, DATA},
	{"NOOP", weft__ftpd_noop, EARLY},
	{"OPTS", weft__ftpd_opts, EARLY | ARGUMENT},
	{"PASS", weft__ftpd_pass, EARLY},
	{"PASV", weft__ftpd_pasv, 0},
	{"PBSZ", weft__ftpd_pbsz, EARLY | ARGUMENT},
	{"PORT", weft__ftpd_port, ARGUMENT},
	{"PROT", weft__ftpd_prot, EARLY | ARGUMENT},
	{"PWD", weft__ftpd_pwd, 0},
	{"QUIT", weft__ftpd_quit, EARLY},
	{"REIN", weft__ftpd_rein, EARLY},
	{"REST", weft__ftpd_rest, ARGUMENT},
	{"RETR", weft__ftpd_retr, ARGUMENT | DATA},
	{"RMD", weft__ftpd_rmd, ARGUMENT},
	{"RNFR", weft__ftpd_rnfr, ARGUMENT},
	{"RNTO", weft__ftpd_rnto, ARGUMENT},
	{"SITE", weft__ftpd_site, ARGUMENT},
	{"SIZE", weft__ftpd_size, ARGUMENT},
	{"STAT", weft__ftpd_stat, 0},
	{"STOR", weft__ftpd_stor, ARGUMENT | DATA},
	{"STOU", weft__ftpd_stou, DATA},
	{"STRU", weft__ftpd_stru, ARGUMENT},
	{"SYST", weft__ftpd_syst, EARLY},
	{"TYPE", weft__ftpd_type, ARGUMENT},
	{"USER", weft__ftpd_user, EARLY | ARGUMENT},
	{"XCUP", weft__ftpd_cdup, 0},
	{"XCWD", weft__ftpd_cwd, ARGUMENT},
	{"XMKD", weft__ftpd_mkd, ARGUMENT},
	{"XPWD", weft__ftpd_pwd, 0},
	{"XRMD", weft__ftpd_rmd, ARGUMENT},
	{"XSHA256", weft__ftpd_xsha256, ARGUMENT},
};

#define COUNT (sizeof(verbs) / sizeof(verbs[0]))

const struct weft__ftpd_verb *weft__ftpd_verb_at(size_t index)
{
	return index < COUNT ? &verbs[index] : NULL;
}

static int compare(const void *name, const void *verb)
{
	return strcmp(name, ((const struct weft__ftpd_verb *)verb)->name);
}

const struct weft__ftpd_verb *weft__ftpd_verb_find(const char *name)
{
	return bsearch(name, verbs, COUNT, sizeof(verbs[0]), compare);
}
