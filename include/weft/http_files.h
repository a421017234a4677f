/*
 * weft/http_files.h - a service that shares a folder: its files, listings and, if allowed, changes.
 *
 *	struct weft_http_files *files = weft_http_files_new("/srv/shared", NULL);
 *	struct weft_http_server *server = weft_http_server_new(&(struct weft_http_server_options){
 *		.service = weft_http_files_service_for(files), .arg = files});
 *
 * A service of one's own that names it as its parent (weft/http.h), or mounts it under a prefix
 * (weft/http_route.h), changes what differs: examples/http_files.c, examples/http_routes.c.
 *
 * Errors: -1 or NULL, with errno set.
 */
#ifndef WEFT_HTTP_FILES_H
#define WEFT_HTTP_FILES_H

#include "weft/http.h"

WEFT_BEGIN

struct weft_http_files;    /* opaque: src/http/files.h */
struct weft_files;         /* weft/files.h */
struct weft_files_visitor; /* weft/files.h */

/** Which symbolic links of a shared folder are followed. */
enum weft_http_links {
	WEFT_HTTP_LINKS_INSIDE, /* those that lead to something below the folder */
	WEFT_HTTP_LINKS_NONE,   /* none: there is nothing where a link is */
	WEFT_HTTP_LINKS_ALL,    /* all, wherever they lead; so who makes links opens folders */
};

/**
 * How a folder is shared; zero is the default of each. Lists end with NULL; texts and lists are
 * copied. A PATTERN is of a name ("*.css"), or, with a '/' in it, of the whole path below the
 * folder ("assets/app*"); '*' stands for anything, slashes too, and '?' for one byte.
 */
struct weft_http_files_options {
	bool no_listing;       /* a folder without an index is 403 instead of listed */
	bool shows_hidden;     /* names that begin with a dot are there, too */
	bool no_precompressed; /* NAME.br and NAME.gz are never sent for NAME */
	bool no_compression;   /* nothing is compressed on the fly */
	enum weft_http_links links;
	const char *const *index_names; /* what stands for its folder; NULL: "index.html" */

	/** The page of what is not there, below the folder: "404.html". NULL: a plain one. */
	const char *not_found_page;

	/**
	 * Sent with 200 for addresses that lead nowhere and look like pages (no dot in their last
	 * part), to who takes HTML: "index.html", for an application that has its routes in the
	 * browser. NULL: they are 404.
	 */
	const char *fallback_page;

	/** Whose scripts may read it all (CORS): "https://app.example", or "*". NULL: nobody's. */
	const char *cors_origin;

	/**
	 * They may also change what is allowed to be changed below, as far as their user may: who
	 * comes from cors_origin, which has to be one origin then, is no page of another site.
	 */
	bool cors_may_change;

	/**
	 * "PATTERN=RULE"; the first that fits becomes Cache-Control: a number of seconds,
	 * "immutable" (a year, and never asked for again), or the field's own words ("no-store").
	 * The PATTERN ":hashed" is of names that hold a hash of the content, "app.3f9a1c07.js".
	 */
	const char *const *cache_rules;

	const char *const *types; /* "EXTENSION=TYPE", before the table: "md=text/html" */

	/** PATTERNs of files that browsers are to save rather than show (Content-Disposition). */
	const char *const *download_names;

	/*
	 * Changes, by weft_http_files_service_for(): none without these. With them, pages and
	 * SVG run in a sandbox (Content-Security-Policy), as an origin of their own: what one
	 * visitor has put here is not to act in the name of another.
	 */
	bool allow_upload;    /* new files by PUT and by forms (POST to a folder), folders by MKCOL;
				 and other content for a file by a PUT that says which (If-Match) */
	bool allow_overwrite; /* PUT, forms and MOVE replace files without being asked to */
	bool allow_change;    /* DELETE, also of folders with all below them (?all); the trash
				 (?trash, /.trash/); MOVE */
	int64_t upload_max;   /* bytes of an upload's body; 0: 4 GiB; negative: no bound */

	/** How long the trash keeps what was removed, as of weft_files_options (weft/files.h),
	 * where engine is NULL: 0: 30 days; negative: there is no trash. */
	int64_t trash_keep_ns;

	/** The engine of the same folder (weft/files.h), shared with other doors; stays the
	 * caller's. NULL: one of its own. */
	struct weft_files *engine;

	/**
	 * Whose request it is: fills in *ret_visitor (weft/files.h), all of which must live until
	 * the handler has returned, and returns 0; or the status to refuse with. What is allowed
	 * above is then bounded by the visitor's rights, GET and listings too; addresses are in the
	 * visitor's home; no links are followed. Answers differ by visitor: see cache_rules. NULL:
	 * a visitor with all rights.
	 */
	int (*visitor)(struct weft_http_request *request, struct weft_files_visitor *ret_visitor,
		void *arg);
	void *visitor_arg;

	/**
	 * Answers for a folder that has no index, for who may see it: returns as a handler does, or
	 * WEFT_HTTP_FILES_LIST to have it listed. It is the first to be asked where there are no
	 * listings, too; not where a query asks for an archive or a search. NULL: all are listed.
	 */
	weft_http_handler_fn *on_folder;
	void *on_folder_arg;
};

/** What on_folder returns beside a handler's results. */
#define WEFT_HTTP_FILES_LIST (-2)

/** Room for what weft_http_files_options_check() says. */
#define WEFT_HTTP_FILES_FAULT_MAX 256

/**
 * Whether the options can be meant. If not, ret_fault is a sentence for a person that says what is
 * wrong, and weft_http_files_new() would fail with EINVAL.
 */
WEFT_API bool weft_http_files_options_check(
	const struct weft_http_files_options *options, char ret_fault[WEFT_HTTP_FILES_FAULT_MAX]);

/**
 * Share the folder dir: the arg for weft_http_files_service. Unless the options say
 * otherwise, paths can't leave it, by links neither, and names that begin with a dot are not there;
 * what is neither file nor folder never is. A change of a file shows with the next request, a
 * change of a folder's name or of a link within a second. options may be NULL.
 *
 * Text is sent compressed to who takes that: NAME.br or NAME.gz for NAME, where it is not older;
 * else files of 1 KiB to 4 MiB are compressed on the first request, aside from the workers, and
 * kept (by the model "fiber" only, and where the build has zlib or brotli). "?download" behind an
 * address has browsers save the file rather than show it; "?sort=size&order=asc" sorts a listing,
 * by name, size or time.
 *
 * Errors: those of open(2) (ENOENT, ENOTDIR, EACCES), EINVAL (the options: see above), ENOSYS (no
 * openat2(2)), ENOMEM.
 */
WEFT_API struct weft_http_files *weft_http_files_new(
	const char *dir, const struct weft_http_files_options *options);

/** Free it when no server uses it. NULL is fine. */
WEFT_API void weft_http_files_free(struct weft_http_files *files);

/** The engine by which files are put: the options', or its own; NULL: nothing may be put. */
WEFT_API struct weft_files *weft_http_files_engine(const struct weft_http_files *files);

/**
 * Another upload_max, as in the options, for uploads to come; where nothing may be uploaded, it
 * changes nothing. The engine's own file_max is apart (weft_files_set_file_max()). Any thread.
 */
WEFT_API void weft_http_files_set_upload_max(struct weft_http_files *files, int64_t upload_max);

/**
 * The Content-Type that a file of this name has, by its ending and the options; as long as the
 * files.
 */
WEFT_API const char *weft_http_files_type(const struct weft_http_files *files, const char *path);

/** GET and HEAD of files and folders, OPTIONS where there is CORS. */
WEFT_API extern const struct weft_http_service weft_http_files_service;

/**
 * The service of these files by their options: weft_http_files_service, or one that has that for
 * its parent and changes files too. Its arg are the files, whose it is.
 *
 * What was answered 201 or 204 survives a crash, and what was not leaves no trace: files come under
 * a name of nobody's, go to the disk, and only then get their own. Who changes something must be no
 * page of another site in somebody's browser (Origin, Sec-Fetch-Site: 403); who else may is for
 * authorise. Temporary names are in the folder ".weft-upload" of dir, and what killed servers left
 * of them goes with weft_http_files_new().
 *
 * Where things may be removed, they can be put into a trash, and had back: DELETE path?trash,
 * /.trash/ (docs/http.md). A POST to a folder with "?archive=zip" gets an archive of the names in
 * its form.
 *
 * Where files may be uploaded, clients of tus 1.0 can go on with what broke off: POST to a folder,
 * or to /.tus/, begins one (docs/http.md).
 */
WEFT_API const struct weft_http_service *weft_http_files_service_for(
	const struct weft_http_files *files);

WEFT_END

#endif
