/*
 * account_passwd.c - `weft account passwd`: a password is set, on the own database, as one's own at
 * a server, or by a link that was sent.
 *
 * Entry point: weft__cmd_account_passwd().
 *
 * Never: shows a password, or a link's secret.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

struct passwd {
	bool reads, must_change;
	const char *link; /* a secret, or a URL that ends with it; "-": it is read; NULL: none */
	char *secret;     /* the link's */
};

static const char passwd_help[] =
	"usage: weft account passwd NAME [OPTION]...\n"
	"       weft account passwd --link LINK [OPTION]...\n"
	"\n"
	"Set a password. All sessions of that account end. By --server it is one's own, and the\n"
	"old one is asked for; of others: \"weft account link\".\n"
	"\n"
	"  --link LINK        by an invitation or a reset that was sent: its secret, or the URL "
	"of\n"
	"                     a server with the secret behind # or the last /; -: read it from\n"
	"                     the standard input, or ask for it\n"
	"  --password-stdin   read it from the standard input, one line; by --server two: the\n"
	"                     old one, the new one\n"
	"  --must-change      it is to be changed before anything else\n" ACCOUNT_HELP;

static int take_password(const struct account *account, bool reads, char **ret_password)
{
	if (reads)
		return weft__cmd_account_read_line(account, "the password", ret_password);
	return weft__cmd_account_prompt(account, "Password: ", true, ret_password);
}

/* ---- By name ------------------------------------------------------------------------------ */

static int set_local(struct account *account, const char *name, const char *text, bool must_change)
{
	json_t *args = json_pack("{s:s, s:s}", "user", name, "password", text);

	if (args && must_change)
		json_object_set_new(args, "must_change", json_true());
	return weft__cmd_account_call(account, "setPassword", args, NULL);
}

/* One's own: the old one is the proof, and no token is needed. */
static int set_remote(struct account *account, const char *name, const char *old, const char *text)
{
	int status = weft__cmd_account_log_in(account, name, old);

	if (!status)
		status = weft__cmd_account_call(account, "changePassword",
			json_pack("{s:s, s:s}", "old_password", old, "new_password", text), NULL);
	if (!status) { /* the session is over, too */
		weft__cmd_account_forget(account->cookie);
		account->cookie = NULL;
	}
	return status;
}

static int take_old(const struct account *account, bool reads, char **ret_text)
{
	if (!account->server)
		return CMD_DONE;
	return reads ? weft__cmd_account_read_line(account, "the old password", ret_text)
		     : weft__cmd_account_prompt(account, "Old password: ", false, ret_text);
}

static int set_by_name(struct account *account, const struct passwd *passwd, const char *name)
{
	char *old = NULL, *text = NULL;
	int status = weft__cmd_account_open(account); /* before anybody types for nothing */

	if (!status)
		status = take_old(account, passwd->reads, &old);
	if (!status)
		status = take_password(account, passwd->reads, &text);
	if (!status)
		status = account->server ? set_remote(account, name, old, text)
					 : set_local(account, name, text, passwd->must_change);
	if (!status)
		weft__cmd_account_say(account, "The password of %s is set.", name);
	weft__cmd_account_forget(old);
	weft__cmd_account_forget(text);
	return status;
}

/* ---- By a link ---------------------------------------------------------------------------- */

static int take_secret(const struct account *account, struct passwd *passwd)
{
	if (strcmp(passwd->link, "-") != 0) {
		passwd->secret = strdup(passwd->link);
		return passwd->secret ? CMD_DONE : weft__cmd_fail(account->name, "no memory.");
	}
	return passwd->reads ? weft__cmd_account_read_line(account, "the link", &passwd->secret)
			     : weft__cmd_account_prompt(account, "Link: ", false, &passwd->secret);
}

/* "https://hub.example/any/where#SECRET": the server is what is before the path, if it is there. */
static int part_url(struct account *account, struct passwd *passwd)
{
	char *host = strstr(passwd->secret, "://"), *end, *last;

	if (!host && passwd->secret[0] != '/')
		return CMD_DONE;
	end = host ? host + 3 + strcspn(host + 3, "/?#") : passwd->secret;
	if (host && account->state)
		return weft__cmd_usage(account->name, "the link is for a server, not for --state.");
	if (host && !account->server) {
		account->own_server = strndup(passwd->secret, (size_t)(end - passwd->secret));
		account->server = account->own_server;
		if (!account->server)
			return weft__cmd_fail(account->name, "no memory.");
	}
	last = end;
	for (char *at = end; *at; at++)
		if (strchr("/?#=&", *at))
			last = at + 1;
	if (!*last)
		return weft__cmd_usage(account->name, "this link has no secret at its end.");
	memmove(passwd->secret, last, strlen(last) + 1);
	return CMD_DONE;
}

static int use_link(struct account *account, const struct passwd *passwd)
{
	json_t *link = NULL;
	char *text = NULL;
	const char *name;
	int status = weft__cmd_account_call(
		account, "lookAtLink", json_pack("{s:s}", "secret", passwd->secret), &link);

	name = json_string_value(json_object_get(link, "name"));
	if (!status && !account->is_json && !passwd->reads)
		weft__cmd_account_say(account, "This link is for %s.", name ? name : "somebody");
	if (!status)
		status = take_password(account, passwd->reads, &text);
	if (!status)
		status = weft__cmd_account_call(account, "useLink",
			json_pack("{s:s, s:s}", "secret", passwd->secret, "password", text), NULL);
	if (!status)
		weft__cmd_account_say(
			account, "The password of %s is set.", name ? name : "somebody");
	weft__cmd_account_forget(text);
	json_decref(link);
	return status;
}

static int set_by_link(struct account *account, struct passwd *passwd)
{
	int status = take_secret(account, passwd);

	if (!status)
		status = part_url(account, passwd);
	if (!status)
		status = weft__cmd_account_check(account);
	if (!status)
		status = use_link(account, passwd);
	weft__cmd_account_forget(passwd->secret);
	return status;
}

/* ---- All ---------------------------------------------------------------------------------- */

int weft__cmd_account_passwd(struct account *account, int argc, char **argv)
{
	struct passwd passwd = {.link = NULL};
	const struct cmd_option options[] = {CMD_OPTION("password-stdin", CMD_FLAG, &passwd.reads),
		CMD_OPTION("must-change", CMD_FLAG, &passwd.must_change),
		CMD_OPTION("link", CMD_TEXT, &passwd.link), ACCOUNT_OPTIONS(account),
		CMD_OPTIONS_END};
	const struct account_line line = {passwd_help, "one name", options, 0, 1};
	int status;

	account->has_link = true;
	status = weft__cmd_account_parse(account, &line, argc, argv);
	if (!status && !passwd.link)
		status = weft__cmd_account_check(account);
	if (status)
		return status;
	if ((account->server || passwd.link) && passwd.must_change)
		return weft__cmd_usage(account->name, "--must-change is for --state.");
	if (passwd.link && optind < argc)
		return weft__cmd_usage(account->name, "the link says whose password it is.");
	if (!passwd.link && optind == argc)
		return weft__cmd_usage(account->name, "whose? NAME, or --link LINK.");
	return passwd.link ? set_by_link(account, &passwd)
			   : set_by_name(account, &passwd, argv[optind]);
}
