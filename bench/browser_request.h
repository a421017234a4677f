/*
 * browser_request.h - what a browser sends for a page: the request that parsers are timed on.
 *
 * Entry points: browser_request[]. As a browser of these days sends it, cookies included.
 */
#ifndef BROWSER_REQUEST_H
#define BROWSER_REQUEST_H

static const char browser_request[] =
	"GET /articles/2026/11/a-long-walk-along-the-coast.html?from=feed&page=2 HTTP/1.1\r\n"
	"Host: www.example.org\r\n"
	"Connection: keep-alive\r\n"
	"sec-ch-ua: \"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\n"
	"sec-ch-ua-mobile: ?0\r\n"
	"sec-ch-ua-platform: \"Linux\"\r\n"
	"Upgrade-Insecure-Requests: 1\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/142.0.0.0 Safari/537.36\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
	"image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n"
	"Sec-Fetch-Site: same-origin\r\n"
	"Sec-Fetch-Mode: navigate\r\n"
	"Sec-Fetch-User: ?1\r\n"
	"Sec-Fetch-Dest: document\r\n"
	"Referer: https://www.example.org/articles/2026/11/\r\n"
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	"Cookie: session=4f6c2b9e8d7a41c3b5e0f1a29384756d; theme=dark; consent=yes\r\n"
	"\r\n";

#endif
