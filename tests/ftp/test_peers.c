/*
 * test_peers.c - weft's FTP client with weft's FTP server: what each claims, the other sees.
 */
#include "io/both.h"
#include "io/certificates.h"
#include "io/place.h"
#include "weft/dir.h"
#include "weft/file.h"
#include "weft/ftp_client.h"

#include "ftp/share.h"

static struct weft_ftp_client *client_of_share(const struct weft_ftp_client_options *more)
{
	struct weft_ftp_client_options options = {0};
	struct weft_ftp_fault fault;
	struct weft_ftp_client *client;

	if (more)
		options = *more;
	options.user = "anna";
	options.password = "secret";
	options.timeout_ns = WEFT_SECONDS(100);
	options.ret_fault = &fault;
	client = weft_ftp_client_connect(share.address, &options);
	if (!client)
		check_fail(__FILE__, __LINE__, "errno %d: %s", errno, fault.text);
	return client;
}

#define DID(call)                                                       \
	do {                                                            \
		if ((call) < 0)                                         \
			check_fail(__FILE__, __LINE__, "%s: %s", #call, \
				weft_ftp_client_fault(client)->text);   \
	} while (0)

/* ---- Whole files ---------------------------------------------------------------------- */

static void check_files(struct weft_ftp_client *client)
{
	static char big[200000];
	struct stat facts;
	char *text;

	fill_pattern(big, sizeof(big));
	CHECK_INT(weft_file_replace(place("up"), big, sizeof(big)), ==, 0);
	DID(weft_ftp_client_upload(client, place("up"), "there", NULL));
	CHECK_INT(weft_ftp_client_size(client, "there"), ==, sizeof(big));
	DID(weft_ftp_client_set_modified(client, "there", 981173106));
	DID(weft_ftp_client_download(client, "there", place("down"), NULL));
	CHECK_INT(weft_file_read_all(place("down"), sizeof(big), &text), ==, sizeof(big));
	CHECK_MEM(text, big, sizeof(big));
	free(text);
	CHECK_INT(stat(place("down"), &facts), ==, 0);
	CHECK_INT(facts.st_mtim.tv_sec, ==, 981173106);
}

CHECK_CASE(files_go_there_and_back_with_their_times)
{
	struct weft_ftp_client *client;

	share_open();
	client = client_of_share(NULL);
	check_files(client);
	weft_ftp_client_free(client);
	share_close();
}

static void check_secure(struct weft_ftp_client_options options)
{
	static struct authority authority;
	struct weft_tls_server_options server = {0};
	struct weft_tls_client_options trust = {0};
	struct weft_ftp_client *client;

	authority_make(&authority, "authority");
	certificate_make(&authority, "server", NULL);
	server.certificate = path_of("server.pem");
	trust.issuers = path_of("authority.pem");
	share.options.tls = weft_tls_server_new(&server, NULL);
	options.tls = weft_tls_client_new(&trust, NULL);
	CHECK(share.options.tls && options.tls);
	share.options.needs_tls = true;
	share.options.needs_resumed_data = true;
	if (options.security == WEFT_FTP_IMPLICIT)
		share.listener_tls = share.options.tls;
	share_open();
	client = client_of_share(&options);
	CHECK(weft_ftp_client_tls(client)->is_verified);
	check_files(client);
	weft_ftp_client_free(client);
	share_close();
	weft_tls_free(options.tls);
	weft_tls_free(share.options.tls);
	authority_end(&authority);
}

CHECK_CASE(a_server_that_demands_resumed_data_gets_it)
{
	check_secure((struct weft_ftp_client_options){.security = WEFT_FTP_AUTO});
}

CHECK_CASE(so_it_does_when_tls_is_implicit_and_when_the_server_connects)
{
	check_secure(
		(struct weft_ftp_client_options){.security = WEFT_FTP_IMPLICIT, .is_active = true});
}

/* ---- Parts ---------------------------------------------------------------------------- */

CHECK_CASE(an_upload_that_is_broken_off_never_shows_and_can_be_gone_on_with)
{
	struct weft_ftp_client *client;
	struct weft_ftp_file *file;
	const char *name = "a";

	share_open();
	client = client_of_share(NULL);
	file = weft_ftp_client_store(client, name, 0);
	CHECK(file && weft_ftp_file_write(file, "hello ", 6) == 0);
	weft_ftp_file_abort(file);
	CHECK_INT(weft_ftp_client_size(client, name), ==, -1);
	CHECK(!share_has(name, "hello "));
	place_write("whole", "hello world");
	share_put(name, "hello ", 6);
	DID(weft_ftp_client_upload(
		client, place("whole"), name, &(struct weft_ftp_copy_options){.resumes = true}));
	CHECK(share_has(name, "hello world"));
	weft_ftp_client_free(client);
	share_close();
}

CHECK_CASE(a_file_is_written_from_its_middle_on)
{
	struct weft_ftp_client *client;
	struct weft_ftp_file *file;

	share_open();
	share_put("a", "hello WORLD and more", 20);
	client = client_of_share(NULL);
	file = weft_ftp_client_store(client, "a", 6);
	CHECK(file && weft_ftp_file_write(file, "world", 5) == 0);
	DID(weft_ftp_file_end(file));
	CHECK(share_has("a", "hello world"));
	weft_ftp_client_free(client);
	share_close();
}

/* ---- Folders -------------------------------------------------------------------------- */

CHECK_CASE(folders_are_made_listed_renamed_and_removed)
{
	struct weft_ftp_client *client;
	struct weft_ftp_entry entry;
	struct weft_ftp_list list;

	share_open();
	client = client_of_share(NULL);
	DID(weft_ftp_client_mkdir(client, "a \"b\""));
	DID(weft_ftp_client_cwd(client, "a \"b\""));
	CHECK_STR(weft_ftp_client_pwd(client), "/a \"b\"");
	share_put("a \"b\"/one two", "12345", 5);
	DID(weft_ftp_client_rename(client, "one two", "-three"));
	DID(weft_ftp_client_list(client, NULL, &list));
	CHECK_INT(list.count, ==, 1);
	CHECK_STR(list.entries[0].name, "-three");
	CHECK_INT(list.entries[0].size_bytes, ==, 5);
	CHECK_INT(list.entries[0].precision, ==, WEFT_FTP_SECOND);
	weft_ftp_list_fini(&list);
	DID(weft_ftp_client_stat(client, "-three", &entry));
	CHECK_INT(entry.type, ==, WEFT_FTP_FILE);
	DID(weft_ftp_client_delete(client, "-three"));
	CHECK_ERRNO(weft_ftp_client_stat(client, "-three", &entry), ENOENT);
	DID(weft_ftp_client_cwd(client, ".."));
	DID(weft_ftp_client_rmdir(client, "a \"b\""));
	weft_ftp_client_free(client);
	share_close();
}

CHECK_CASE(the_server_computes_the_sum_that_the_file_has)
{
	uint8_t sum[32], expected[32];
	struct weft_ftp_client *client;
	size_t len;

	share_open();
	share_put("a", "hello", 5);
	client = client_of_share(NULL);
	CHECK(weft_ftp_client_features(client) & WEFT_FTP_HASH);
	DID(weft_ftp_client_hash(client, "a", sum));
	CHECK(EVP_Q_digest(NULL, "SHA256", NULL, "hello", 5, expected, &len) == 1);
	CHECK_MEM(sum, expected, 32);
	weft_ftp_client_free(client);
	share_close();
}

CHECK_MAIN()
