/*
 * user.c - whose process it is: user.h, setresuid(2), capabilities(7).
 *
 * Entry points: weft__hub_user_become(), weft__hub_user_keep_least().
 *
 *	root --user weft      all capabilities go but CAP_NET_BIND_SERVICE, which rests ...
 *	systemd's Ambient     the same of what it was given                   ... but while doors
 *open root                  keeps those for files, too: else it could not read what it is to share
 *
 * Never: keeps one that runs, looks into or signals others.
 */
#include "user.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) ((uint64_t)1 << (capability))

/** What root's files, other people's files among them, and owners of what is put there need. */
#define FOR_FILES                                                                              \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | \
		BIT(CAP_FSETID))
#define FOR_PORTS BIT(CAP_NET_BIND_SERVICE)

/** Of getpwnam_r(3), with all its texts. */
#define ENTRY_MAX 16384

/* ---- Names -------------------------------------------------------------------------------- */

/* false: it is no number. */
static bool read_number(const char *text, unsigned *ret_number)
{
	char *end;
	unsigned long number;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	number = strtoul(text, &end, 10);
	*ret_number = (unsigned)number;
	return number < UINT32_MAX;
}

static int find_user(const char *name, struct hub_user *ret_user)
{
	struct passwd entry, *found = NULL;
	char *text = malloc(ENTRY_MAX);
	unsigned number;
	int code;

	if (!text)
		return -1;
	code = getpwnam_r(name, &entry, text, ENTRY_MAX, &found);
	if (!found && read_number(name, &number))
		code = getpwuid_r(number, &entry, text, ENTRY_MAX, &found);
	if (found) {
		ret_user->uid = entry.pw_uid;
		ret_user->gid = entry.pw_gid;
		snprintf(ret_user->name, sizeof(ret_user->name), "%s", entry.pw_name);
	}
	free(text);
	errno = found ? 0 : code && code != ESRCH ? code : ENOENT;
	return found ? 0 : -1;
}

static int find_group(const char *name, gid_t *ret_gid)
{
	struct group entry, *found = NULL;
	char *text = malloc(ENTRY_MAX);
	unsigned number;

	if (!text)
		return -1;
	getgrnam_r(name, &entry, text, ENTRY_MAX, &found);
	if (found)
		*ret_gid = entry.gr_gid;
	free(text);
	if (!found && read_number(name, &number))
		*ret_gid = number;
	else if (!found) {
		errno = ENOENT;
		return -1;
	}
	return 0;
}

int weft__hub_user_find(const char *text, struct hub_user *ret_user)
{
	const char *colon = strchr(text, ':');
	struct hub_user user = {0};
	char *name = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	int result;

	if (!name)
		return -1;
	result = find_user(name, &user);
	free(name);
	if (result == 0 && colon)
		result = find_group(colon + 1, &user.gid);
	if (result == 0)
		*ret_user = user;
	return result;
}

void weft__hub_user_now(struct hub_user *ret_user)
{
	struct passwd entry, *found = NULL;
	char *text = malloc(ENTRY_MAX);

	*ret_user = (struct hub_user){.uid = geteuid(), .gid = getegid()};
	if (text)
		getpwuid_r(ret_user->uid, &entry, text, ENTRY_MAX, &found);
	if (found)
		snprintf(ret_user->name, sizeof(ret_user->name), "%s", entry.pw_name);
	else
		snprintf(ret_user->name, sizeof(ret_user->name), "%u", (unsigned)ret_user->uid);
	free(text);
}

/* ---- Capabilities ------------------------------------------------------------------------- */

static int get_permitted(uint64_t *ret_permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

static int set(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.permitted = (uint32_t)permitted, .effective = (uint32_t)effective},
		{.permitted = (uint32_t)(permitted >> 32),
			.effective = (uint32_t)(effective >> 32)}};

	return (int)syscall(SYS_capset, &header, data);
}

int weft__hub_user_keep_least(bool keeps_ports)
{
	uint64_t permitted, kept;
	bool is_root = geteuid() == 0;

	if (get_permitted(&permitted) < 0)
		return -1;
	kept = permitted & ((is_root ? FOR_FILES : 0) | (keeps_ports ? FOR_PORTS : 0));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* Linux 4.2 has them not */
	return set(kept, is_root ? kept : 0);
}

static int change_user(const struct hub_user *user)
{
	/* Else they are gone with the change, and no low port can be had any more. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -1;
	if (initgroups(user->name, user->gid) < 0 ||
		setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0)
		return -1;
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

int weft__hub_user_become(const struct hub_user *user, bool keeps_ports)
{
	if (geteuid() == user->uid && user->uid != 0)
		return weft__hub_user_keep_least(keeps_ports);
	if (geteuid() != 0) {
		errno = EPERM;
		return -1;
	}
	return change_user(user) < 0 ? -1 : weft__hub_user_keep_least(keeps_ports);
}

/* ---- Ports -------------------------------------------------------------------------------- */

static void rest(bool has_them)
{
	uint64_t permitted;

	if (geteuid() == 0 || get_permitted(&permitted) < 0 || !(permitted & FOR_PORTS))
		return;
	set(permitted, has_them ? FOR_PORTS : 0);
}

void weft__hub_user_raise_ports(void)
{
	rest(true);
}

void weft__hub_user_rest_ports(void)
{
	rest(false);
}

void weft__hub_user_drop_ports(void)
{
	if (geteuid() != 0)
		set(0, 0);
}
