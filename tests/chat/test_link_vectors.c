/*
 * test_link_vectors.c - the bytes of a link, from HELLO to CLOSE, are those of
 * docs/chat-protocol.md: whoever writes another implementation can try his against them.
 *
 * VECTORS=1 in the environment prints them as the document has them.
 */
#include "chat/hex.h"
#include "weft/chat_link.h"

struct side {
	struct weft_chat_endpoint *endpoint;
	struct weft_chat_link *link;
	struct weft_address address;
	uint8_t next; /* its "random" bytes count up */
};

static struct side client = {.next = 0x00}, server = {.next = 0x80};
static int64_t now = 1;

struct vector {
	const char *name, *hex;
};

static const struct vector vectors[] = {
	{"HELLO", "0101010001020304050607000000000000000000000000000000000000000000"
		  "0000000000000000000000000000000000000000000000000000000000000000"
		  "0000000000000000000000000000000000000000000000000000000000000000"
		  "0000000000000000000000000000000000000000000000000000000000000000"},
	{"COOKIE", "010201000102030405060707a37cbc142093c8b755dc1b10e86cb426374ad16a"
		   "a853ed0bdfc0b2b86d1c7c000000003b9aca00fd4e74773b471b734713275ee1"
		   "479cb5"},
	{"OPEN", "0103010001020304050607000000003b9aca00fd4e74773b471b734713275ee1"
		 "479cb56ab71182224ee3a8eef1a590dc471ade6dab86fdeef038907cba1a727d"
		 "42704f0a46706a0b5082fc6c7407e9827078ae810ddec605abd95132ea696c05"
		 "7400a1bc2b020873899ab84171a1e9fad108b03cf43d75aa2efe464cdf077785"},
	{"ANSWER", "010400010203040506078e5fae12f4dc7537df8c9e57fd467b50f225a51c4f4d"
		   "85c9b560e0589323fb36652c991f02301fcceddedbe0535861ac200815c0da8f"
		   "2d3d5ef56d6790d36e5f95c7110fa3550adacfce8ca13513"},
	{"login", "010580818283848586870000000000000000ad8260764a90945fb545eb9b4965"
		  "82876382b83ee2b1ca18d82f2597235b69cb56084720176234c0f85dd2eb5ba4"
		  "da94f7743683e46cfe81a8f05575fbccd0139d30547d1892627f28e59965d0ee"
		  "e3deecd3ba512d84d8e473bd7f047847dd89c0a523a792a27bdf7b821546c396"
		  "32a2cf796375521562a09b0b472ad4d4b80b2a73cba5c7983923ef3dc5664348"
		  "c001e61853a164c850cb801f4016f2000b84ed9ca9e42a482f6a57b81bd6f697"
		  "d2bf9214b78b56cebba35b4c3c49d2b8b16d42da3b3852e1b513c1333abe19ab"
		  "0801d9a857bd2cae517072f348395b100e899e50f094b70eeac75cc5c79cf2b0"
		  "b0ab98093967d9302e68260538fffa262c83ba8828ef1af53660a629cbbd54c9"
		  "d9e4e05633cb72c276"},
	{"welcome", "010500010203040506070000000000000000a257bae58947811a9015126afbbe63b16005dee371"
		    "eee683608a270cb824b2c0deca9178524c9cc9847355442d7c4a45d35532eb77033a292eae73f9"
		    "b1fe4ff2f290c6e40217a67f06144595954256250587ba944628f5ba3cc26cb7163ba7fa728a38"
		    "de4c6d83b4869b1507a6d4c0d987de981f9f81a8cfc4ecde72b8afb873b7fcef08b377ad81452c"
		    "83df8332af1995ab1b2b9e813416ae4beaea7bc29a859d4bbab2532f5c2f127b9c334520588871"
		    "df453df14e15e42641f78d26a35d66ab7eef"},
	{"hi", "01058081828384858687000000000000000132daf3312877302bfa05724df4ce8385ff38fb811bcd079"
	       "10943580990c0275e9401eebf0f"},
	{"hi, anna", "01050001020304050607000000000000000111af93b1bb31de11f4e6412d3113a458749e97cbe"
		     "d18365c02620b56528ea9d4b54a79a950619fdaf1bf8c"},
	{"CLOSE", "010580818283848586870000000000000002fb216e116e913a2baee73f9246b3"
		  "c51eb55e1e54f6a4"},
	{"its answer", "01050001020304050607000000000000000291b65acd4078831ca1e33ec5200d"
		       "e829c4c221"},
};

static void count_up(void *arg, void *ret_bytes, size_t len)
{
	struct side *side = arg;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)ret_bytes)[i] = side->next++;
}

static void look(struct side *side)
{
	struct weft_chat_link_event event;

	while (weft_chat_endpoint_event(side->endpoint, &event))
		if (event.kind == WEFT_CHAT_LINK_LOGIN) {
			side->link = event.link;
			CHECK_INT(weft_chat_link_welcome(event.link, "hello anna"), ==, 0);
		}
}

/* The next datagram, which is compared, and comes. */
static void expect(struct side *from, struct side *to, const struct vector *vector)
{
	uint8_t data[WEFT_CHAT_LINK_DATAGRAM_MAX];
	struct weft_datagram datagram = {.data = data};

	CHECK(weft_chat_endpoint_output(from->endpoint, &datagram, now));
	if (getenv("VECTORS")) {
		printf("\t{\"%s\", \"", vector->name);
		for (size_t i = 0; i < datagram.len; i++)
			printf("%02x", data[i]);
		printf("\"},\n");
	} else
		hex_check(data, datagram.len, vector->hex);
	datagram.peer = from->address;
	weft_chat_endpoint_input(to->endpoint, &datagram, now);
	look(to);
	now += WEFT_MILLISECONDS(1);
}

static void begin(void)
{
	struct weft_chat_endpoint_options options = {.random = count_up, .arg = &client};
	struct weft_chat_link_connect_options connect = {
		.login = {"anna", "a password", WEFT_CHAT_LINK_PASSWORD}};
	uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i + 1);
	CHECK_INT(weft_address_parse(&client.address, "192.0.2.1:40000"), ==, 0);
	CHECK_INT(weft_address_parse(&server.address, "192.0.2.2:7777"), ==, 0);
	CHECK((client.endpoint = weft_chat_endpoint_new(&options)));
	options.arg = &server;
	options.secret_key = secret;
	CHECK((server.endpoint = weft_chat_endpoint_new(&options)));
	client.next = 0x00;
	server.next = 0x80;
	CHECK((client.link = weft_chat_link_connect(client.endpoint, &server.address, &connect)));
}

CHECK_CASE(the_documents_bytes_come_out)
{
	static const struct vector *at = vectors;

	begin();
	expect(&client, &server, at++);
	expect(&server, &client, at++);
	expect(&client, &server, at++);
	expect(&server, &client, at++);
	expect(&client, &server, at++);
	expect(&server, &client, at++);
	CHECK_INT(weft_chat_link_send(client.link, "hi", 2), ==, 0);
	expect(&client, &server, at++);
	CHECK_INT(weft_chat_link_send(server.link, "hi, anna", 8), ==, 0);
	expect(&server, &client, at++);
	weft_chat_link_close(client.link, "bye");
	expect(&client, &server, at++);
	expect(&server, &client, at++);
	CHECK_INT(at - vectors, ==, sizeof(vectors) / sizeof(vectors[0]));
	weft_chat_link_free(client.link);
	weft_chat_link_free(server.link);
	weft_chat_endpoint_free(client.endpoint);
	weft_chat_endpoint_free(server.endpoint);
}

CHECK_MAIN()
